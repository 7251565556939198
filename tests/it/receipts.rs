//! The key that signs receipts at its address, and the command that checks them: the program itself, from outside.

use std::{
    collections::BTreeMap,
    io::{BufRead, BufReader, Read, Write},
    process::{Command, Stdio},
};

use parlor::receipt::{Cause, PublicKeys, Receipt, ReceiptSigner, VideoOutcome, verify};
use serde_json::{Value, json};

use crate::{
    support::dir::Dir,
    wire::{TestServer, header},
};

const ADDRESS: &str = "/.well-known/parlor-receipt-key";

const SEED: [u8; 32] = [0x5e; 32];

/// As an operator writes the seed.
fn hex() -> String {
    "5e".repeat(32)
}

fn receipt() -> Receipt {
    Receipt {
        room: "general".into(),
        epoch: "5f0c9a1e7b3d2846".into(),
        cause: Cause::Left,
        keys: BTreeMap::from([("room".into(), 1)]),
        entries: 3,
        bytes: 17,
        members: 1,
        files: 0,
        video: VideoOutcome::Off,
        keys_left: 0,
        node: "9a3c".into(),
        iat: 1_790_000_000,
    }
}

/// How the program ended, and what it wrote.
struct Said {
    code: Option<i32>,
    out: String,
    err: String,
}

fn parlor(args: &[&str], key: Option<&str>, input: &str) -> Said {
    let mut command = Command::new(env!("CARGO_BIN_EXE_parlor"));
    command.args(args).env_remove("PARLOR_RECEIPT_KEY");
    command.envs(key.map(|key| ("PARLOR_RECEIPT_KEY", key)));
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    // The program may not want it.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    let output = child.wait_with_output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Said { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
}

impl Said {
    #[track_caller]
    fn is_good(&self, first: &str) {
        assert_eq!((self.code, self.err.as_str()), (Some(0), ""), "{}", self.out);
        assert!(self.out.starts_with(first), "{}", self.out);
        let facts = ["room      general", "ended     its last member left", "left over 0 keys"];
        for fact in facts {
            assert!(self.out.contains(fact), "{fact}: {}", self.out);
        }
        assert!(self.out.contains("cannot prove that no copy was made"), "{}", self.out);
    }

    #[track_caller]
    fn is_bad(&self, code: i32, why: &str) {
        assert_eq!((self.code, self.out.as_str()), (Some(code), ""), "{}", self.err);
        assert!(self.err.contains(why), "{why}: {}", self.err);
    }
}

#[tokio::test]
async fn the_key_at_the_address_checks_what_the_node_signs() {
    let server = TestServer::start(&["--receipt-key", &hex()]).await;
    let response = crate::support::http::get(server.url(ADDRESS)).await.unwrap();
    assert_eq!(response.status(), 200);
    assert_eq!(header(&response, "content-type"), "application/jwk-set+json");
    assert_eq!(header(&response, "cache-control"), "public, max-age=300");
    let set = response.text().await.unwrap();
    let signer = ReceiptSigner::from_seed(&SEED);
    assert_eq!(set, signer.jwks());
    let keys: PublicKeys = set.parse().unwrap();
    assert_eq!(verify(&signer.sign(&receipt()), Some(&keys)), Ok(receipt()));
    // Nothing of the private half.
    let key: Value = serde_json::from_str(&set).unwrap();
    let names: Vec<&str> = key["keys"][0].as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(names, ["alg", "crv", "kid", "kty", "use", "x"]);
}

#[tokio::test]
async fn without_a_setting_each_node_has_a_key_of_its_own() {
    let ask = async || {
        let server = TestServer::start(&[]).await;
        let get = async || {
            crate::support::http::get(server.url(ADDRESS)).await.unwrap().text().await.unwrap()
        };
        let (one, again) = (get().await, get().await);
        assert_eq!(one, again);
        one.parse::<PublicKeys>().unwrap()
    };
    assert_ne!(ask().await, ask().await);
}

#[test]
fn the_log_says_where_the_key_is_from_and_never_the_key() {
    for key in [None, Some(hex())] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_parlor"));
        command.args(["--listen", "127.0.0.1:0", "--log", "json"]).env_remove("PARLOR_RECEIPT_KEY");
        command.envs(key.iter().map(|key| ("PARLOR_RECEIPT_KEY", key)));
        let mut child = command.env("RUST_LOG", "trace").stderr(Stdio::piped()).spawn().unwrap();
        let mut log = BufReader::new(child.stderr.take().unwrap());
        let mut said = String::new();
        while !said.contains("listening on http://") {
            assert_ne!(log.read_line(&mut said).unwrap(), 0, "it did not start: {said}");
        }
        child.kill().unwrap();
        child.wait().unwrap();
        log.read_to_string(&mut said).unwrap();
        let told: Vec<&str> =
            said.lines().filter(|line| line.contains("PARLOR_RECEIPT_KEY")).collect();
        assert_eq!(told.len(), usize::from(key.is_none()), "{said}");
        for line in told {
            let line: Value = serde_json::from_str(line).unwrap();
            assert_eq!(line["level"], "INFO");
            assert!(line["message"].as_str().unwrap().contains("random key"), "{line}");
        }
        assert!(!said.contains(&hex()), "the key is in the log");
    }
}

#[test]
fn a_key_that_is_none_keeps_the_server_from_starting() {
    let said = parlor(&["--listen", "127.0.0.1:0"], Some("hunter2"), "");
    said.is_bad(2, "PARLOR_RECEIPT_KEY must be 32 random bytes");
    assert!(!said.err.contains("hunter2"), "{}", said.err);
}

#[test]
fn a_receipt_is_checked_against_a_saved_key_the_own_key_or_its_own_word() {
    let (dir, signer) = (Dir::new(), ReceiptSigner::from_seed(&SEED));
    let write = |name: &str, text: &str| {
        let path = dir.join(name);
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let jws = signer.sign(&receipt());
    let (bare, frame) = (
        write("receipt.jws", &format!("{jws}\n")),
        write("receipt.json", &json!({"type": "receipt", "receipt": jws}).to_string()),
    );
    let (ours, theirs) = (
        write("keys.json", &signer.jwks()),
        write("other.json", &ReceiptSigner::random().unwrap().jwks()),
    );
    let thumbprint = signer.public_key().thumbprint();
    for file in [&bare, &frame] {
        parlor(&["verify-receipt", file, &ours], None, "").is_good("Good: ");
        parlor(&["verify-receipt", file], Some(&hex()), "").is_good("Good: ");
        let embedded = parlor(&["verify-receipt", file], None, "");
        embedded.is_good("Whole: ");
        assert!(
            embedded.out.contains("nothing here shows who signed it")
                && embedded.out.contains(&thumbprint),
            "{}",
            embedded.out
        );
        parlor(&["verify-receipt", file, &theirs], None, "").is_bad(1, "another key");
        parlor(&["verify-receipt", file], Some(&"00".repeat(32)), "").is_bad(1, "another key");
        // A key file that is given counts, not the setting.
        parlor(&["verify-receipt", file, &theirs], Some(&hex()), "").is_bad(1, "another key");
    }
    parlor(&["verify-receipt", "-", &ours], None, &jws).is_good("Good: ");
    let (input, signature) = jws.rsplit_once('.').unwrap();
    let turned: String = signature.chars().rev().collect();
    let changed = format!("{input}.A{}A", &turned[1..turned.len() - 1]);
    for (input, why) in [
        (changed.as_str(), "the signature does not fit"),
        ("", "no receipt"),
        ("hello", "no receipt"),
        ("{}", "no receipt"),
        (&signer.jwks(), "no receipt"),
        (&jws.repeat(200), "not good"),
    ] {
        for keys in [&["verify-receipt", "-", &ours][..], &["verify-receipt", "-"]] {
            parlor(keys, None, input).is_bad(1, why);
        }
    }
}

#[test]
fn what_cannot_be_checked_is_neither_good_nor_bad() {
    let dir = Dir::new();
    let jws = ReceiptSigner::from_seed(&SEED).sign(&receipt());
    let missing = dir.join("missing").to_str().unwrap().to_owned();
    let none = dir.join("none.json");
    std::fs::write(&none, r#"{"keys":[]}"#).unwrap();
    let none = none.to_str().unwrap();
    parlor(&["verify-receipt", &missing], None, "").is_bad(2, "missing");
    parlor(&["verify-receipt", "-", &missing], None, &jws).is_bad(2, "missing");
    parlor(&["verify-receipt", "-", none], None, &jws).is_bad(2, "no key of Ed25519");
    parlor(&["verify-receipt", "-"], Some("hunter2"), &jws).is_bad(2, "PARLOR_RECEIPT_KEY must be");
    parlor(&["verify-receipt"], None, "").is_bad(2, "FILE");
    parlor(&["verify-receipt", "-", "a", "b"], None, &jws).is_bad(2, "unexpected argument");
    parlor(&["verify"], None, "").is_bad(2, "unrecognized subcommand");
    let help = parlor(&["verify-receipt", "--help"], None, "");
    assert_eq!(help.code, Some(0));
    assert!(help.out.contains("[KEYFILE]"), "{}", help.out);
}
