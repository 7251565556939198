//! What a server's answers and errors mean.

use fred::{
    bytes_utils::Str,
    error::{Error, ErrorKind},
    types::{Value, config::Server},
};

use super::record::Reply;
use crate::store::StoreError;

/// What to make of an error.
#[derive(Debug)]
pub(super) enum Verdict {
    /// The script is not known there: send it in full.
    Unknown,
    /// No memory; nothing was written.
    Full,
    /// It may work in a moment.
    Again,
    /// It may work in a moment, on a new connection.
    AgainElsewhere,
    /// The slot belongs to another server; an empty host is the one that was asked.
    Moved(Server),
    /// It will not work.
    Broken(String),
}

/// fred gives lost connections many kinds, so the text decides.
///
/// ASK is no more than a reason to wait. It would send us to a server that
/// answers TRYAGAIN until all keys of a script are there, and the channel,
/// which every script names as a key, is never there. So no script runs in a
/// slot that is on its way: one that did could find half a room.
pub(super) fn judge(error: &Error) -> Verdict {
    let text = error.details();
    match text.split_whitespace().next().unwrap_or_default() {
        "NOSCRIPT" => Verdict::Unknown,
        "OOM" => Verdict::Full,
        "READONLY" => Verdict::AgainElsewhere,
        "LOADING" | "MASTERDOWN" | "CLUSTERDOWN" | "TRYAGAIN" | "ASK" | "BUSY" | "MISCONF" | "NOAUTH" | "WRONGPASS" => {
            Verdict::Again
        }
        "MOVED" => match text.split_whitespace().nth(2).and_then(place) {
            Some(server) => Verdict::Moved(server),
            None => Verdict::Broken(text.to_owned()),
        },
        "ERR" | "NOPERM" | "WRONGTYPE" | "CROSSSLOT" => Verdict::Broken(text.to_owned()),
        _ => match error.kind() {
            ErrorKind::IO | ErrorKind::Timeout | ErrorKind::Canceled | ErrorKind::Unknown | ErrorKind::Backpressure => {
                Verdict::Again
            }
            _ => Verdict::Broken(text.to_owned()),
        },
    }
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
        // One line says it all.
        value => vec![value],
    };
    let word = |value| match value {
        Value::String(word) => Some(word),
        Value::Integer(number) => Some(Str::from(number.to_string())),
        _ => None,
    };
    Ok(Reply::new(values.into_iter().map(word).collect::<Option<_>>().ok_or_else(broken)?))
}
