//! The body of a request: whole, and as JSON.

use bytes::Bytes;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use hyper::body::Body;
use serde::de::DeserializeOwned;
use tower::BoxError;

use crate::protocol::ApiError;

/// Reads a whole body, needed or not, so that the connection can go on. A body above the limit is refused.
pub(super) async fn whole<B>(body: &mut B, limit: usize) -> Result<Vec<u8>, ApiError>
where
    B: Body<Data = Bytes, Error: Into<BoxError>> + Unpin,
{
    // A body announced as too large is refused without reading it.
    if body.size_hint().lower() > limit as u64 {
        return Err(ApiError::BodyTooBig(limit));
    }
    let (mut body, mut read) = (Limited::new(body, limit), Vec::new());
    while let Some(frame) = body.frame().await {
        match frame {
            Err(error) if error.is::<LengthLimitError>() => {
                return Err(ApiError::BodyTooBig(limit));
            }
            Err(_) => return Err(ApiError::BadFrame("the body broke off".into())),
            Ok(frame) => read.extend_from_slice(frame.data_ref().map_or(&[][..], |data| data)),
        }
    }
    Ok(read)
}

/// Parses one JSON object. `None` as the error: it is none at all, which serde would accept if it is an array with the
/// fields in order.
pub(super) fn object<T: DeserializeOwned>(text: &str) -> Result<T, Option<serde_json::Error>> {
    if !text.trim_start().starts_with('{') {
        return Err(None);
    }
    serde_json::from_str(text).map_err(Some)
}

/// As [`object`], with what is wrong for the client to read; an empty body gives the defaults.
pub(super) fn object_or_default<T: Default + DeserializeOwned>(body: &[u8]) -> Result<T, ApiError> {
    let text = std::str::from_utf8(body).map_err(|_| ApiError::BadText)?;
    if text.trim().is_empty() {
        return Ok(T::default());
    }
    object(text).map_err(|error| {
        let cause = error.map(|error| format!(": {error}")).unwrap_or_default();
        ApiError::BadFrame(format!("the body is one JSON object{cause}"))
    })
}
