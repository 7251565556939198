//! What a server's answers and errors mean.

use fred::{
    bytes_utils::Str,
    error::{Error, ErrorKind},
    types::{Value, config::Server},
};

use super::codec::Reply;
use crate::store::StoreError;

/// What to do about an error.
#[derive(Debug)]
pub(super) enum ErrorAction {
    /// The server does not know the script: send it in full.
    Unknown,
    /// No memory; nothing was written.
    Full,
    /// It may work in a moment.
    Again,
    /// The server cannot do what is needed, for any room, until the operator repairs it.
    Unfit,
    /// The slot belongs to another server; an empty host is the server that was asked.
    Moved(Server),
    /// It will not work for this room.
    Broken(String),
}

/// Texts in an ERR error that say that a command is missing or not allowed, so that the room is not to blame.
const UNABLE: [&str; 6] = [
    "unknown command",
    "Unknown Redis command",
    "ACL failure",
    "The user executing the script",
    "No permissions",
    "compiling script",
];

/// Classifies by the text, because fred gives lost connections many kinds.
///
/// ASK is only a reason to wait. It would redirect a script to a server that answers TRYAGAIN until all its keys are there.
/// The channel, which every script names as a key, is never there. So no script runs in a slot that is moving:
/// one that did could find half a room.
pub(super) fn classify(error: &Error) -> ErrorAction {
    let text = error.details();
    match text.split_whitespace().next().unwrap_or_default() {
        "NOSCRIPT" => ErrorAction::Unknown,
        "OOM" => ErrorAction::Full,
        "READONLY" | "MISCONF" | "NOREPLICAS" | "NOAUTH" | "WRONGPASS" | "NOPERM" => {
            ErrorAction::Unfit
        }
        "LOADING" | "MASTERDOWN" | "CLUSTERDOWN" | "TRYAGAIN" | "ASK" | "BUSY" => {
            ErrorAction::Again
        }
        "MOVED" => match text.split_whitespace().nth(2).and_then(place) {
            Some(server) => ErrorAction::Moved(server),
            None => ErrorAction::Broken(text.to_owned()),
        },
        "ERR" if UNABLE.iter().any(|words| text.contains(words)) => ErrorAction::Unfit,
        "ERR" | "WRONGTYPE" | "CROSSSLOT" => ErrorAction::Broken(text.to_owned()),
        _ => match error.kind() {
            ErrorKind::IO
            | ErrorKind::Timeout
            | ErrorKind::Canceled
            | ErrorKind::Unknown
            | ErrorKind::Backpressure => ErrorAction::Again,
            _ => ErrorAction::Broken(text.to_owned()),
        },
    }
}

/// What Redis itself says in an error, short enough for a log; nothing where the text is fred's or the connection's.
pub(super) fn spoken(error: &Error) -> Option<String> {
    let text = error.details();
    let code = text.split_whitespace().next()?;
    if code.len() < 3 || !code.bytes().all(|byte| byte.is_ascii_uppercase()) {
        return None;
    }
    // Redis quotes what it did not understand: that may be a password or the key of a room.
    let text = [", with args beginning with", " script: "]
        .iter()
        .fold(text, |text, end| text.split(end).next().unwrap_or(text));
    Some(
        text.chars()
            .take(200)
            .map(|c| if c.is_control() { ' ' } else { c })
            .collect::<String>()
            .trim_end()
            .to_owned(),
    )
}

/// `host:port`; an IPv6 address stands without brackets.
fn place(word: &str) -> Option<Server> {
    let (host, port) = word.rsplit_once(':')?;
    Some(Server::new(host, port.parse().ok()?))
}

/// The words of a script's answer.
pub(super) fn words(value: Value) -> Result<Reply, StoreError> {
    let broken = || StoreError::Broken("a script's answer is not a list of words".to_owned());
    let values = match value {
        Value::Array(values) => values,
        // An answer of one word.
        value => vec![value],
    };
    let word = |value| match value {
        Value::String(word) => Some(word),
        Value::Integer(number) => Some(Str::from(number.to_string())),
        _ => None,
    };
    Ok(Reply::new(values.into_iter().map(word).collect::<Option<_>>().ok_or_else(broken)?))
}

/// A call under way already has changed something, or may have.
pub(super) fn once_begun(error: StoreError) -> StoreError {
    if matches!(error, StoreError::Busy(_)) { StoreError::Unavailable } else { error }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(text: &'static str) -> Error {
        Error::new(ErrorKind::Unknown, text)
    }

    #[test]
    fn what_no_room_is_to_blame_for_is_told_from_what_one_is() {
        for text in [
            "READONLY You can't write against a read only replica.",
            "MISCONF Redis is configured to save RDB snapshots",
            "NOPERM this user has no permissions to run the 'evalsha' command",
            "ERR unknown command 'EVALSHA', with args beginning with: 'x'",
            "ERR The user executing the script can't run this command or subcommand script: 1, on @user_script:3.",
            "ERR The user executing the script can't access at least one of the keys mentioned in the command script: 1",
            "ERR ACL failure in script: User parlor has no permissions to run the 'hset' command script: 1",
            "ERR Unknown Redis command called from script script: 1, on @user_script:9.",
        ] {
            assert!(matches!(classify(&said(text)), ErrorAction::Unfit), "{text}");
        }
        for text in [
            "WRONGTYPE Operation against a key holding the wrong kind of value script: 1, on @user_script:12.",
            "ERR user_script:80: attempt to perform arithmetic on local 'seq' (a string value) script: 1",
            "ERR hash value is not an integer script: 1, on @user_script:80.",
        ] {
            assert!(matches!(classify(&said(text)), ErrorAction::Broken(_)), "{text}");
        }
    }

    #[test]
    fn redis_is_quoted_without_what_it_was_told() {
        let received = spoken(&said(
            "ERR unknown command 'HELLO', with args beginning with: '3' 'AUTH' 'parlor' 'hunter2' ",
        ));
        assert_eq!(received.as_deref(), Some("ERR unknown command 'HELLO'"));
        let received =
            spoken(&said("WRONGTYPE Operation against a key script: 1f, on @user_script:12."));
        assert_eq!(received.as_deref(), Some("WRONGTYPE Operation against a key"));
        for line in ["Request timed out.", "IO Error: refused", "", "No response!"] {
            assert_eq!(spoken(&said(line)), None, "{line}");
        }
    }
}
