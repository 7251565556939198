//! What the log says of a proxy in front: once, and by the setting that mends it.

use std::{
    io::{BufRead, BufReader},
    process::{Command, Stdio},
};

use serde_json::{Value, json};

use crate::support::dir::Dir;

/// The program itself, with its log.
struct Program {
    child: std::process::Child,
    log: BufReader<std::process::ChildStderr>,
    url: String,
}

impl Program {
    fn start(args: &[&str]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_parlor"));
        command.args(["--listen", "127.0.0.1:0", "--log", "json"]).args(args);
        let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
        let mut log = BufReader::new(child.stderr.take().unwrap());
        let mut said = String::new();
        while !said.contains("listening on http://") {
            assert_ne!(log.read_line(&mut said).unwrap(), 0, "it did not start: {said}");
        }
        let listening: Value = serde_json::from_str(said.lines().last().unwrap()).unwrap();
        let url = format!("http://{}", listening["address"].as_str().unwrap());
        Self { child, log, url }
    }

    /// Ends it; what it has logged since it listened.
    fn end(mut self) -> String {
        assert!(
            Command::new("kill")
                .args(["-TERM", &self.child.id().to_string()])
                .status()
                .unwrap()
                .success()
        );
        let mut log = String::new();
        std::io::Read::read_to_string(&mut self.log, &mut log).unwrap();
        self.child.wait().unwrap();
        log
    }
}

#[tokio::test]
async fn a_proxy_that_says_too_little_or_too_much_is_warned_of_once() {
    for (proxies, sent, warned) in [
        ("1", &[None, Some("nonsense"), None][..], Some("X-Forwarded-For lacks")),
        ("2", &[Some("192.0.2.1"), Some("192.0.2.1")], Some("X-Forwarded-For lacks")),
        ("1", &[Some("192.0.2.1:4711"), Some("[2001:db8::1]:80")], None),
        ("0", &[Some("192.0.2.1"), Some("192.0.2.2")], Some("PARLOR_PROXIES is 0")),
        ("0", &[None, None], None),
    ] {
        let dir = Dir::new();
        let database = dir.sqlite();
        let program = Program::start(&["--proxies", proxies, "--database-url", &database]);
        for address in sent {
            let request = crate::support::http::client()
                .post(format!("{}/login", program.url))
                .json(&json!({"user": "Ann", "password": "correct horse"}));
            let request = address
                .iter()
                .fold(request, |request, address| request.header("x-forwarded-for", *address));
            assert_eq!(request.send().await.unwrap().status(), 401);
        }
        let log = program.end();
        let warnings: Vec<&str> =
            log.lines().filter(|line| line.contains("X-Forwarded-For")).collect();
        assert_eq!(warnings.len(), usize::from(warned.is_some()), "{proxies} {sent:?}: {log}");
        assert!(
            warned.is_none_or(|words| warnings[0].contains(words) && warnings[0].contains("WARN")),
            "{log}"
        );
    }
}
