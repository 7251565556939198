use serde_json::{Value, json};

use super::*;

fn receipt() -> Receipt {
    Receipt {
        room: "комната".into(),
        epoch: "5f0c9a1e7b3d2846".into(),
        cause: Cause::Burned,
        keys: BTreeMap::from([("members".into(), 1), ("log".into(), 1), ("room".into(), 1)]),
        entries: 12,
        bytes: 345,
        members: 2,
        files: 1,
        video: VideoOutcome::Removed,
        keys_left: 0,
        node: "9a3c".into(),
        iat: 1_790_000_000,
    }
}

fn signer() -> ReceiptSigner {
    ReceiptSigner::from_seed(&[7; 32])
}

fn keys(signer: &ReceiptSigner) -> PublicKeys {
    signer.jwks().parse().unwrap()
}

fn part(jws: &str, at: usize) -> Value {
    serde_json::from_slice(&BASE64.decode(jws.split('.').nth(at).unwrap()).unwrap()).unwrap()
}

/// Signed with a good key, whatever it says.
fn signed_as(header: &str, claims: &str) -> String {
    let input = format!("{}.{}", BASE64.encode(header), BASE64.encode(claims));
    let signature = BASE64.encode(signer().pair.sign(input.as_bytes()));
    format!("{input}.{signature}")
}

fn header(change: impl FnOnce(&mut Value)) -> String {
    let mut header = part(&signer().sign(&receipt()), 0);
    change(&mut header);
    header.to_string()
}

fn claims(change: impl FnOnce(&mut Value)) -> String {
    let mut claims = part(&signer().sign(&receipt()), 1);
    change(&mut claims);
    claims.to_string()
}

#[test]
fn a_receipt_says_what_was_signed() {
    let (signer, jws) = (signer(), signer().sign(&receipt()));
    assert_eq!(verify(&jws, Some(&keys(&signer))), Ok(receipt()));
    assert_eq!(verify(&jws, None), Ok(receipt()));
    let key = signer.public_key();
    assert_eq!(
        part(&jws, 0),
        json!({
            "alg": "EdDSA",
            "typ": "parlor-receipt+jwt",
            "kid": key.thumbprint(),
            "jwk": {"kty": "OKP", "crv": "Ed25519", "x": BASE64.encode(key.0)},
        })
    );
    assert_eq!(
        part(&jws, 1),
        json!({
            "iss": "parlor",
            "room": "комната",
            "epoch": "5f0c9a1e7b3d2846",
            "cause": "burned",
            "keys": {"log": 1, "members": 1, "room": 1},
            "entries": 12,
            "bytes": 345,
            "members": 2,
            "files": 1,
            "video": "removed",
            "keysLeft": 0,
            "node": "9a3c",
            "iat": 1_790_000_000,
        })
    );
}

#[test]
fn every_cause_and_outcome_has_its_word() {
    for (cause, word) in
        [(Cause::Burned, "burned"), (Cause::Left, "left"), (Cause::Expired, "expired")]
    {
        let receipt = Receipt { cause, ..receipt() };
        let jws = signer().sign(&receipt);
        assert_eq!(
            (part(&jws, 1)["cause"].clone(), verify(&jws, None)),
            (word.into(), Ok(receipt))
        );
    }
    for (video, word) in [
        (VideoOutcome::Removed, "removed"),
        (VideoOutcome::Absent, "absent"),
        (VideoOutcome::Unreachable, "unreachable"),
        (VideoOutcome::Off, "off"),
    ] {
        let receipt = Receipt { video, ..receipt() };
        let jws = signer().sign(&receipt);
        assert_eq!(
            (part(&jws, 1)["video"].clone(), verify(&jws, None)),
            (word.into(), Ok(receipt))
        );
    }
}

/// The key, the thumbprint and the signature of RFC 8037, appendix A.
#[test]
fn keys_and_signatures_are_those_of_rfc_8037() {
    let seed = BASE64.decode("nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A").unwrap();
    let signer = ReceiptSigner::from_seed(&seed.try_into().unwrap());
    let key = signer.public_key();
    assert_eq!(BASE64.encode(key.0), "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo");
    assert_eq!(key.thumbprint(), "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
    let text = b"eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc";
    let signature =
        "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg";
    assert_eq!(BASE64.encode(signer.pair.sign(text)), signature);
    assert!(key.has_signed(text, &BASE64.decode(signature).unwrap()));
}

#[test]
fn a_receipt_with_any_byte_changed_is_refused() {
    let jws = signer().sign(&receipt());
    let keys = keys(&signer());
    for at in 0..jws.len() {
        for other in
            [b'A', b'B', b'_', b'9', b'.', b'=', b'+', b' ', b'\n', 0, jws.as_bytes()[at] ^ 1]
        {
            let mut changed = jws.clone().into_bytes();
            if changed[at] == other {
                continue;
            }
            changed[at] = other;
            let changed = String::from_utf8(changed).unwrap();
            for keys in [Some(&keys), None] {
                assert!(verify(&changed, keys).is_err(), "{at}: {changed}");
            }
        }
        let mut shorter = jws.clone();
        shorter.remove(at);
        assert!(verify(&shorter, None).is_err(), "{at}: {shorter}");
        let mut longer = jws.clone();
        longer.insert(at, 'A');
        assert!(verify(&longer, None).is_err(), "{at}: {longer}");
    }
    for end in ["A", "=", ".", "\n", " "] {
        assert!(verify(&format!("{jws}{end}"), None).is_err(), "{end:?}");
    }
}

#[test]
fn a_signature_is_good_for_its_own_receipt_only() {
    let (one, other) =
        (signer().sign(&receipt()), signer().sign(&Receipt { files: 2, ..receipt() }));
    let (input, _) = one.rsplit_once('.').unwrap();
    let (_, signature) = other.rsplit_once('.').unwrap();
    assert_eq!(verify(&format!("{input}.{signature}"), None), Err(ReceiptError::BadSignature));
}

#[test]
fn no_other_signature_is_taken() {
    let good = claims(|_| {});
    for alg in ["none", "None", "HS256", "ES256", "Ed25519", "eddsa", ""] {
        let header = header(|header| header["alg"] = alg.into());
        assert_eq!(verify(&signed_as(&header, &good), None), Err(ReceiptError::UnknownAlgorithm));
        let bare = format!("{}.{}.", BASE64.encode(&header), BASE64.encode(&good));
        assert_eq!(verify(&bare, None), Err(ReceiptError::UnknownAlgorithm), "{alg}");
    }
    let bare = format!("{}.{}.", BASE64.encode(header(|_| {})), BASE64.encode(&good));
    assert_eq!(verify(&bare, None), Err(ReceiptError::BadSignature));
}

#[test]
fn what_is_no_receipt_of_this_version_is_refused() {
    let good = claims(|_| {});
    let verified = |header: String| verify(&signed_as(&header, &good), None);
    for typ in
        [json!("JWT"), json!("parlor-receipt2+jwt"), json!("PARLOR-RECEIPT+JWT"), Value::Null]
    {
        assert_eq!(
            verified(header(|header| header["typ"] = typ)),
            Err(ReceiptError::UnknownVersion)
        );
    }
    // A header that has to be understood, and is not.
    for (name, value) in [("crit", json!(["b64"])), ("b64", json!(false)), ("jku", json!("x"))] {
        assert_eq!(
            verified(header(|header| header[name] = value)),
            Err(ReceiptError::UnknownVersion),
            "{name}"
        );
    }
    for text in ["", ".", "..", "...", "a.b.c", "hello", "e30.e30.", "W10.W10.AAAA", "{}", "é.é.é"]
    {
        assert_eq!(verify(text, None), Err(ReceiptError::NotAReceipt), "{text}");
    }
    let jws = signer().sign(&receipt());
    assert_eq!(verify(&format!("{jws}.AAAA"), None), Err(ReceiptError::NotAReceipt));
}

#[test]
fn the_key_that_is_named_must_be_the_one_that_comes_along() {
    let (good, stranger) = (claims(|_| {}), ReceiptSigner::random().unwrap().public_key());
    for wrong in [
        header(|header| header["kid"] = stranger.thumbprint().into()),
        header(|header| header["jwk"] = json!(Jwk::from(stranger))),
        header(|header| header["jwk"]["kty"] = "EC".into()),
        header(|header| header["jwk"]["crv"] = "Ed448".into()),
        header(|header| header["jwk"]["x"] = "AAAA".into()),
    ] {
        assert_eq!(verify(&signed_as(&wrong, &good), None), Err(ReceiptError::WrongKeyId));
    }
    // Both of another key, which has not signed it.
    let wrong = header(|header| {
        header["kid"] = stranger.thumbprint().into();
        header["jwk"] = json!(Jwk::from(stranger));
    });
    assert_eq!(verify(&signed_as(&wrong, &good), None), Err(ReceiptError::BadSignature));
}

#[test]
fn only_a_key_that_was_given_counts() {
    let (ours, theirs) = (signer(), ReceiptSigner::random().unwrap());
    let jws = theirs.sign(&receipt());
    assert_eq!(verify(&jws, Some(&keys(&ours))), Err(ReceiptError::OtherKey));
    assert_eq!(verify(&jws, None), Ok(receipt()), "that alone shows nothing of who signed");
    // Several keys in any order, with others among them.
    let listed = |signer: &ReceiptSigner| {
        serde_json::from_str::<Value>(&signer.jwks()).unwrap()["keys"][0].clone()
    };
    let rsa = json!({"kty": "RSA", "n": "AQAB", "e": "AQAB"});
    for set in [
        json!([listed(&ours), listed(&theirs)]),
        json!([listed(&theirs), listed(&ours)]),
        json!([rsa, listed(&theirs)]),
    ] {
        let keys: PublicKeys = json!({ "keys": set, "more": 1 }).to_string().parse().unwrap();
        assert_eq!(verify(&jws, Some(&keys)), Ok(receipt()));
    }
}

#[test]
fn the_order_of_names_does_not_matter() {
    let Value::Object(fields) = part(&signer().sign(&receipt()), 0) else { panic!() };
    let turned: Vec<String> =
        fields.iter().rev().map(|(name, value)| format!("\"{name}\": {value}")).collect();
    let turned = format!("{{ {} }}", turned.join(", "));
    assert_eq!(verify(&signed_as(&turned, &claims(|_| {})), None), Ok(receipt()));
    let reversed = claims(|_| {}).replace(r#""log":1,"members":1"#, r#""members":1,"log":1"#);
    assert_eq!(verify(&signed_as(&header(|_| {}), &reversed), None), Ok(receipt()));
}

#[test]
fn claims_are_held_to_what_a_node_says() {
    let verified = |claims: String| verify(&signed_as(&header(|_| {}), &claims), None);
    assert_eq!(verified(claims(|claims| claims["more"] = 1.into())), Ok(receipt()));
    for (name, value) in [
        ("iss", json!("other")),
        ("room", json!("a\u{1b}[2J")),
        ("room", json!("комната\u{202e}")),
        ("room", json!("")),
        ("epoch", json!("\n")),
        ("node", json!("\u{1b}]0;x\u{7}")),
        ("keys", json!({"\u{1b}[1m": 1})),
        ("keys", json!({"log": -1})),
        ("cause", json!("boredom")),
        ("video", json!("on")),
        ("keysLeft", json!("0")),
        ("iat", json!(253_402_300_800_u64)),
        ("iat", json!(u64::MAX)),
        ("entries", Value::Null),
    ] {
        let wrong = claims(|claims| claims[name] = value.clone());
        assert_eq!(verified(wrong), Err(ReceiptError::BadClaims), "{name}: {value}");
    }
    for missing in ["iss", "room", "epoch", "cause", "keys", "keysLeft", "node", "iat", "video"] {
        let wrong = claims(|claims| drop(claims.as_object_mut().unwrap().remove(missing)));
        assert_eq!(verified(wrong), Err(ReceiptError::BadClaims), "{missing}");
    }
    // Said twice is said in two ways.
    let twice = claims(|_| {}).replacen(r#""files":1"#, r#""files":1,"files":1"#, 1);
    assert_eq!(verified(twice), Err(ReceiptError::BadClaims));
}

#[test]
fn random_keys_differ_and_no_private_key_is_shown() {
    let (one, two) = (ReceiptSigner::random().unwrap(), ReceiptSigner::random().unwrap());
    assert_ne!(one.public_key(), two.public_key());
    let signer = signer();
    assert_eq!(
        format!("{signer:?}"),
        format!("ReceiptSigner({})", signer.public_key().thumbprint())
    );
    let set: Value = serde_json::from_str(&signer.jwks()).unwrap();
    assert_eq!(
        set,
        json!({"keys": [{
            "kty": "OKP",
            "crv": "Ed25519",
            "x": BASE64.encode(signer.public_key().0),
            "kid": signer.public_key().thumbprint(),
            "alg": "EdDSA",
            "use": "sig",
        }]})
    );
}

#[test]
fn a_text_that_is_no_key_set_is_refused() {
    for text in ["", "{}", "[]", "hello", r#"{"keys":{}}"#, r#"{"keys":1}"#] {
        assert_eq!(text.parse::<PublicKeys>(), Err(KeySetError::NotASet), "{text}");
    }
    for keys in [
        json!([]),
        json!([1, null]),
        json!([{"kty": "OKP", "crv": "X25519", "x": BASE64.encode([1; 32])}]),
        json!([{"kty": "OKP", "crv": "Ed25519", "x": BASE64.encode([1; 31])}]),
        json!([{"kty": "OKP", "crv": "Ed25519"}]),
    ] {
        let set = json!({ "keys": keys }).to_string();
        assert_eq!(set.parse::<PublicKeys>(), Err(KeySetError::NoKey), "{set}");
    }
}

#[test]
fn a_receipt_is_found_in_its_frame() {
    let jws = signer().sign(&receipt());
    let frame = json!({"type": "receipt", "receipt": jws, "more": 1});
    for text in [jws.clone(), format!(" {jws}\r\n"), frame.to_string(), format!("\n{frame:#}\n")] {
        assert_eq!(extract(&text), Ok(jws.clone()));
    }
    for wrong in [r#"{"type":"chat","receipt":"x"}"#, r#"{"type":"receipt"}"#, "{", "{}"] {
        assert_eq!(extract(wrong), Err(ReceiptError::NotAReceipt), "{wrong}");
    }
}

#[test]
fn a_verdict_says_what_it_is_worth() {
    let (signer, jws) = (signer(), signer().sign(&receipt()));
    let thumbprint = signer.public_key().thumbprint();
    let good = verdict(&jws, &Trust::Saved(keys(&signer))).unwrap();
    for line in [
        "  room      комната",
        "  ended     its host burned it",
        "  signed    2026-09-21T14:13:20Z",
        "  held      2 members, 12 entries, 345 bytes of text, 1 file",
        "  deleted   keys of the store: log 1, members 1, room 1",
        "  left over 0 keys",
        &format!("  key       {thumbprint}"),
    ] {
        assert!(good.lines().any(|given| given == line), "{line}\n{good}");
    }
    let warns = |lines: &str| lines.contains("Anyone can make such a receipt");
    let own = verdict(&jws, &Trust::Own(signer.public_key())).unwrap();
    let embedded = verdict(&jws, &Trust::Embedded).unwrap();
    assert_eq!((warns(&good), warns(&own), warns(&embedded)), (false, false, true));
    for lines in [&good, &own, &embedded] {
        assert!(lines.contains("It cannot prove that no copy was made"), "{lines}");
    }
    let stranger = ReceiptSigner::random().unwrap();
    assert_eq!(verdict(&jws, &Trust::Own(stranger.public_key())), Err(ReceiptError::OtherKey));
}
