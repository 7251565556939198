//! Server-Sent Events: the frames of a socket, one way.

use std::{io::Write, sync::Arc};

use bytes::Bytes;
use futures_util::Stream;

use super::{
    BodyFraming,
    flow::{self, Manner},
};
use crate::{
    hub::{Entrance, Hub, Wire},
    protocol::{Outbound, Trouble},
    room::Cursor,
};

static MANNER: Manner = Manner {
    chunked: Wire { frame: |json, cursor, out| BodyFraming::Chunked.lay(out, |out| event(json, cursor, out)), echo: false },
    bare: Wire { frame: event, echo: false },
    prologue: Some("retry: 1000\n\n"),
    pulse: Some(":\n\n"),
    farewell: |why| {
        let mut out = Vec::new();
        if let Some(wait) = why.retry_after() {
            // Writing to memory cannot fail.
            let _ = writeln!(out, "retry: {}", wait.as_millis());
        }
        event(&Outbound::Closing(why.problem(None)).to_json(), None, &mut out);
        out
    },
};

/// JSON has no raw line breaks, so that one line holds any frame.
fn event(json: &[u8], cursor: Option<Cursor>, out: &mut Vec<u8>) {
    if let Some(cursor) = cursor {
        let _ = writeln!(out, "id: {cursor}");
    }
    out.extend_from_slice(b"data: ");
    out.extend_from_slice(json);
    out.extend_from_slice(b"\n\n");
}

/// Lets somebody in and gives the events they read, `welcome` first.
///
/// # Errors
/// As [`Hub::enter`].
pub async fn open(
    hub: &Arc<Hub>,
    entrance: Entrance,
    framing: BodyFraming,
) -> Result<impl Stream<Item = Bytes> + Send + 'static, Trouble> {
    flow::open(hub, entrance, &MANNER, framing).await
}
