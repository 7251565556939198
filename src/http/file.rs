//! Files of messages: uploads in pieces, and downloads.

use std::sync::Arc;

use bytes::Bytes;
use futures_util::{Stream, stream};
use http_body_util::{BodyExt, StreamBody};
use hyper::{
    Method, Request, Response, StatusCode,
    body::{Body, Frame},
    header::{
        CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_LENGTH, CONTENT_SECURITY_POLICY, CONTENT_TYPE,
        HeaderName, HeaderValue,
    },
};
use serde::Deserialize;
use tower::BoxError;

use super::{
    AppState, BODY_LIMIT, body, disposition, guards, header,
    response::{self, HttpResponse, UNBUFFERED, UPLOAD_LENGTH, UPLOAD_OFFSET},
};
use crate::{
    budget::Unread,
    hub::{Hub, KeepAlive},
    protocol::ApiError,
    room::{File, FileFacts, FileId, FileType, MemberId, RoomError, RoomId},
};

/// Another site's page may not show a file, whatever it knows.
const RESOURCE_POLICY: HeaderName = HeaderName::from_static("cross-origin-resource-policy");

/// What a browser shows by itself and cannot run. Everything else comes as bytes.
const SHOWN: [&str; 5] = ["image/png", "image/jpeg", "image/gif", "image/webp", "image/avif"];

/// What a client says of a file before it uploads it.
#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase", expecting = "one JSON object")]
struct UploadRequest {
    /// Drawn by a client that wants to repeat the request, if the answer is lost.
    file: Option<String>,
    size: u64,
    content_type: Option<String>,
    name: Option<String>,
}

impl AppState {
    /// Opens an upload.
    pub(super) async fn open_file<B>(
        &self,
        room: &str,
        mut request: Request<B>,
    ) -> Result<HttpResponse, ApiError>
    where
        B: Body<Data = Bytes, Error: Into<BoxError>> + Unpin,
    {
        guards::check_origin(&request, &self.origins)?;
        let body = body::whole(request.body_mut(), BODY_LIMIT).await?;
        let UploadRequest { file, size, content_type, name } = body::object_or_default(&body)?;
        let usage = self.usage(&request);
        let ticket = guards::ticket(&request).map(str::to_owned);
        let (room, who, mut keep_alive) = self.hear(&usage, room, ticket).await?;
        self.hub.check_files()?;
        let id = file.map_or_else(|| Ok(FileId::random()), |file| file.parse())?;
        let facts = FileFacts::new(size, content_type.as_deref(), name.as_deref())?;
        let upload = self.hub.open_file(&room, who.member, id, &facts, &usage).await?;
        keep_alive.iter_mut().for_each(KeepAlive::accept);
        let mut answer = response::json(&upload);
        *answer.status_mut() = StatusCode::CREATED;
        Ok(answer)
    }

    /// Reads a file, or where its upload has got, or continues or cancels that.
    pub(super) async fn file<B>(
        &self,
        room: &str,
        file: &str,
        mut request: Request<B>,
    ) -> Result<HttpResponse, ApiError>
    where
        B: Body<Data = Bytes, Error: Into<BoxError>> + Unpin,
    {
        guards::check_origin(&request, &self.origins)?;
        let usage = self.usage(&request);
        // Counted before it comes: many clients could send large pieces slowly. A reader has one piece at a time.
        let (mut held, chunk) = (usage.unread(), self.hub.config().limits.file_chunk);
        let method = request.method().clone();
        if matches!(method, Method::PATCH | Method::GET) {
            held.set(chunk)?;
        }
        let piece = match method {
            Method::PATCH => body::whole(request.body_mut(), chunk).await?,
            _ => Vec::new(),
        };
        let ticket = guards::ticket(&request).map(str::to_owned);
        // Pieces come faster than messages, and must not hold these up.
        let (room, who) = self.sender(&usage, room, ticket).await?;
        let mut keep_alive = self.pollers.hear(&who);
        self.hub.check_files()?;
        let id: FileId = file.parse().map_err(|_| RoomError::NoFile)?;
        let answer = match method {
            Method::PATCH => {
                // Not with the spare room that it was read into: a store may keep it.
                let piece = Bytes::from(piece.into_boxed_slice());
                let upload =
                    self.hub.write_file(&room, who.member, id, offset(&request)?, piece).await?;
                response::json(&upload)
            }
            Method::DELETE => {
                self.hub.drop_file(&room, who.member, id, &usage).await?;
                response::nothing()
            }
            Method::HEAD => {
                let (file, _) = self.hub.read_file(&room, who.member, id, None).await?;
                let mut answer = file_head(&file);
                let headers = answer.headers_mut();
                headers.insert(UPLOAD_OFFSET, HeaderValue::from(file.received));
                headers.insert(UPLOAD_LENGTH, HeaderValue::from(file.facts.size));
                answer
            }
            _ => {
                let hub = Arc::clone(&self.hub);
                let (file, first) = hub.read_file(&room, who.member, id, Some(0)).await?;
                if !file.is_whole() {
                    return Err(RoomError::FileIncomplete.into());
                }
                let mut answer = file_head(&file);
                let size = file.facts.size;
                let reader = who.member;
                let (offset, first) = (0, Some(first));
                let download = Download { hub, room, reader, id, size, offset, first, _held: held };
                *answer.body_mut() = StreamBody::new(download.pieces()).boxed_unsync();
                answer
            }
        };
        keep_alive.iter_mut().for_each(KeepAlive::accept);
        Ok(answer)
    }
}

/// Where the piece in a request begins.
fn offset<B>(request: &Request<B>) -> Result<u64, ApiError> {
    let given = header(request, UPLOAD_OFFSET);
    // No sign.
    let digits = |given: &&str| given.bytes().all(|byte| byte.is_ascii_digit());
    given.filter(digits).and_then(|given| given.parse().ok()).ok_or_else(|| {
        ApiError::BadFrame("the header Upload-Offset says at which byte the piece begins".into())
    })
}

/// A response with the headers of a file and no body yet.
fn file_head(file: &File) -> HttpResponse {
    let FileFacts { size, kind, name } = &file.facts;
    let mut answer = Response::new(response::whole(Bytes::new()));
    let headers = answer.headers_mut();
    let text = HeaderValue::from_static;
    headers.insert(CONTENT_TYPE, content_type(kind));
    headers.insert(CONTENT_LENGTH, HeaderValue::from(*size));
    headers.insert(CONTENT_DISPOSITION, disposition::attachment(name.as_ref()));
    headers.insert(CONTENT_SECURITY_POLICY, text("sandbox; default-src 'none'"));
    headers.insert(RESOURCE_POLICY, text("same-origin"));
    headers.insert(CACHE_CONTROL, text("no-store, no-transform"));
    // A proxy that buffers would write it to a disk.
    headers.insert(UNBUFFERED, text("no"));
    answer
}

fn content_type(kind: &FileType) -> HeaderValue {
    let is_media = |kind: &&str| {
        SHOWN.contains(kind) || kind.starts_with("audio/") || kind.starts_with("video/")
    };
    Some(kind.as_str())
        .filter(is_media)
        .and_then(|kind| HeaderValue::from_str(kind).ok())
        .unwrap_or(HeaderValue::from_static("application/octet-stream"))
}

/// A download under way: the store is asked for a piece when the client has taken the one before.
struct Download {
    hub: Arc<Hub>,
    room: RoomId,
    reader: MemberId,
    id: FileId,
    size: u64,
    offset: u64,
    first: Option<Bytes>,
    /// A piece of it, counted for the client's address.
    _held: Unread,
}

impl Download {
    fn pieces(self) -> impl Stream<Item = Result<Frame<Bytes>, BoxError>> + Send {
        stream::try_unfold(self, |mut this| async move {
            if this.offset >= this.size {
                return Ok(None);
            }
            let piece = match this.first.take() {
                Some(first) => first,
                // The file may be gone meanwhile: then the response breaks off.
                None => {
                    let Self { hub, room, reader, id, offset, .. } = &this;
                    hub.read_file(room, *reader, *id, Some(*offset)).await?.1
                }
            };
            this.offset += piece.len().max(1) as u64;
            Ok::<_, BoxError>(Some((Frame::data(piece), this)))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_browser_is_told_the_type_of_what_it_can_only_show() {
        for (kind, sent) in [
            ("image/png", "image/png"),
            ("audio/ogg", "audio/ogg"),
            ("video/mp4", "video/mp4"),
            ("image/svg+xml", "application/octet-stream"),
            ("text/html", "application/octet-stream"),
            ("application/pdf", "application/octet-stream"),
            ("text/plain", "application/octet-stream"),
        ] {
            assert_eq!(content_type(&kind.parse().unwrap()), sent, "{kind}");
        }
    }

    #[test]
    fn an_offset_is_a_number_without_a_sign() {
        let ask = |offset: &str| {
            offset_of(&Request::patch("/").header("upload-offset", offset).body(()).unwrap())
        };
        fn offset_of(request: &Request<()>) -> Option<u64> {
            offset(request).ok()
        }
        assert_eq!((ask("0"), ask("262144")), (Some(0), Some(262_144)));
        for wrong in ["", "-1", "+1", "1.5", "x", "99999999999999999999"] {
            assert_eq!(ask(wrong), None, "{wrong}");
        }
        assert_eq!(offset_of(&Request::patch("/").body(()).unwrap()), None);
    }
}
