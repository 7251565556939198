//! What to tell a person who asks whether a receipt is good.

use std::{
    fmt::Write,
    time::{Duration, UNIX_EPOCH},
};

use serde::Deserialize;

use super::{
    Cause, Receipt, ReceiptError, VideoOutcome,
    key::{PublicKey, PublicKeys},
    signed,
};

/// Whose signature is asked for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Trust {
    /// One of these keys, which came from the server's address.
    Saved(PublicKeys),
    /// The key of this server itself.
    Own(PublicKey),
    /// Whatever key the receipt brings along.
    Embedded,
}

#[derive(Deserialize)]
struct Frame {
    r#type: String,
    receipt: String,
}

/// The receipt in a text: the text itself, or the frame `{"type":"receipt","receipt":…}` that brought it.
///
/// # Errors
/// A frame of another type, or JSON that is none.
pub fn extract(text: &str) -> Result<String, ReceiptError> {
    let text = text.trim();
    if !text.starts_with('{') {
        return Ok(text.to_owned());
    }
    let frame: Frame = serde_json::from_str(text).map_err(|_| ReceiptError::NotAReceipt)?;
    match frame.r#type.as_str() {
        "receipt" => Ok(frame.receipt),
        _ => Err(ReceiptError::NotAReceipt),
    }
}

/// Checks a receipt, and puts what it says and what that is worth into lines.
///
/// # Errors
/// Why it must not be relied on.
pub fn verdict(text: &str, trust: &Trust) -> Result<String, ReceiptError> {
    let keys = match trust {
        Trust::Saved(keys) => Some(keys.clone()),
        Trust::Own(key) => Some(PublicKeys::from(*key)),
        Trust::Embedded => None,
    };
    let (receipt, key) = signed(&extract(text)?, keys.as_ref())?;
    let mut lines = match trust {
        Trust::Saved(_) => "Good: the receipt is whole, and signed with a key from the key file.\n",
        Trust::Own(_) => "Good: the receipt is whole, and signed with PARLOR_RECEIPT_KEY.\n",
        Trust::Embedded => "Whole: the receipt is signed with the key that it brings along.\n",
    }
    .to_owned();
    // Writing to memory cannot fail.
    for (name, fact) in facts(&receipt, &key) {
        let _ = writeln!(lines, "  {name:<9} {fact}");
    }
    if *trust == Trust::Embedded {
        lines.push_str(
            "Anyone can make such a receipt with a key of their own: nothing here shows who signed it. Compare the key \
             above with the \"kid\" at /.well-known/parlor-receipt-key of the server, or give that file as well.\n",
        );
    }
    lines.push_str(
        "A receipt proves that the holder of the key said this. It cannot prove that no copy was made: by members, \
         proxies, disks or backups.\n",
    );
    Ok(lines)
}

fn facts(receipt: &Receipt, key: &PublicKey) -> [(&'static str, String); 10] {
    let cause = match receipt.cause {
        Cause::Burned => "its host burned it",
        Cause::Left => "its last member left",
        Cause::Expired => "its time was over",
    };
    let video = match receipt.video {
        VideoOutcome::Removed => "LiveKit deleted its room",
        VideoOutcome::Absent => "LiveKit had no such room",
        VideoOutcome::Unreachable => {
            "LiveKit did not answer: its room ends by itself once it is empty"
        }
        VideoOutcome::Off => "the server has none",
    };
    let signed_at = UNIX_EPOCH + Duration::from_secs(receipt.iat);
    let deleted: Vec<String> =
        receipt.keys.iter().map(|(kind, count)| format!("{kind} {count}")).collect();
    [
        ("room", receipt.room.clone()),
        ("life", receipt.epoch.clone()),
        ("ended", cause.to_owned()),
        ("signed", humantime::format_rfc3339_seconds(signed_at).to_string()),
        ("held", held(receipt)),
        (
            "deleted",
            if deleted.is_empty() {
                "no key of the store".into()
            } else {
                format!("keys of the store: {}", deleted.join(", "))
            },
        ),
        ("left over", counted(receipt.keys_left, "key", "keys")),
        ("video", video.to_owned()),
        ("node", receipt.node.clone()),
        ("key", key.thumbprint()),
    ]
}

fn held(receipt: &Receipt) -> String {
    [
        counted(receipt.members, "member", "members"),
        counted(receipt.entries, "entry", "entries"),
        counted(receipt.bytes, "byte of text", "bytes of text"),
        counted(receipt.files, "file", "files"),
    ]
    .join(", ")
}

fn counted(count: u64, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}
