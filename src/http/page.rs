//! The page: built by Vite, embedded here, and sent as it was compressed at build time.

use std::borrow::Cow;

use base64::{Engine, prelude::BASE64_STANDARD};
use bytes::Bytes;
use hyper::{
    Request, StatusCode,
    header::{
        ACCEPT, ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, ETAG, HeaderValue, IF_NONE_MATCH,
        VARY,
    },
};
use rust_embed::{EmbeddedFile, RustEmbed};
use sha2::{Digest, Sha256};

use super::{
    header,
    origin::{Origins, public_base},
    preview::Document,
    response::{self, HttpResponse},
};
use crate::protocol::ApiError;

#[derive(RustEmbed)]
#[folder = "target/public/"]
#[allow_missing = true]
struct PageAssets;

/// File names under this path carry a hash of their content or the version of their package: the files never change.
const HASHED: &str = "assets/";

const UNBUILT: &str = "<!doctype html><title>Parlor</title><p>The page was not built into this program: run <code>make build</code>.";

/// Whether there is a file at this address.
pub(super) fn exists(path: &str) -> bool {
    named(path).is_some_and(|name| PageAssets::get(name).is_some() || brotli(name).is_some())
}

/// A file as Brotli: of large ones the build keeps nothing else.
fn brotli(name: &str) -> Option<EmbeddedFile> {
    PageAssets::get(&format!("{name}.br"))
}

/// The file that an address names. The index has addresses of its own, and the compressed copies have none.
fn named(path: &str) -> Option<&str> {
    let name = path.trim_start_matches('/');
    let hidden = name == "index.html" || name.ends_with(".br") || name.ends_with(".gz");
    (!hidden).then_some(name)
}

/// The page itself. A room's page must not be indexed by search engines.
pub(super) fn index<B>(request: &Request<B>, origins: &Origins) -> HttpResponse {
    let base = public_base(request, origins).unwrap_or_default();
    let mut answer = file("index.html", request, Some(&base)).unwrap_or_else(|| {
        let mut answer =
            response::of(HeaderValue::from_static("text/html; charset=utf-8"), UNBUILT);
        *answer.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
        answer
    });
    if request.uri().path() != "/" {
        answer.headers_mut().insert("x-robots-tag", HeaderValue::from_static("noindex"));
    }
    answer
}

/// A file of the page's.
pub(super) fn asset<B>(
    path: &str,
    request: &Request<B>,
    origins: &Origins,
) -> Result<HttpResponse, ApiError> {
    if let Some(answer) = named(path).and_then(|name| file(name, request, None)) {
        return Ok(answer);
    }
    // A visitor who mistyped an address sees the page, not JSON.
    if !header(request, ACCEPT).is_some_and(|kinds| kinds.contains("text/html")) {
        return Err(ApiError::NotFound);
    }
    let mut answer = index(request, origins);
    *answer.status_mut() = StatusCode::NOT_FOUND;
    // Without a tag no browser revalidates it, and a 304 would hide the 404.
    answer.headers_mut().remove(ETAG);
    Ok(answer)
}

/// The inline scripts of the page, as a content security policy names them: `'sha256-…'`.
pub(super) fn inline_scripts() -> Vec<String> {
    let page = PageAssets::get("index.html")
        .map(|file| String::from_utf8_lossy(&file.data).into_owned())
        .unwrap_or_default();
    let scripts =
        page.split("<script>").skip(1).filter_map(|rest| Some(rest.split_once("</script>")?.0));
    scripts
        .map(|script| format!("'sha256-{}'", BASE64_STANDARD.encode(Sha256::digest(script))))
        .collect()
}

/// A file; the document gets the server's own address.
fn file<B>(name: &str, request: &Request<B>, base: Option<&str>) -> Option<HttpResponse> {
    let Some(plain) = PageAssets::get(name) else { return packed(name, request) };
    let kind = match plain.metadata.mimetype() {
        text if text.starts_with("text/") => format!("{text}; charset=utf-8"),
        other => other.to_owned(),
    };
    let accepted = header(request, ACCEPT_ENCODING).unwrap_or_default();
    let twin = [("br", ".br"), ("gzip", ".gz")]
        .into_iter()
        .filter(|(coding, _)| accepts(accepted, coding))
        .find_map(|(coding, ending)| Some((coding, PageAssets::get(&format!("{name}{ending}"))?)));
    let text = base.is_some().then(|| plain.data.clone());
    let text = text.as_deref().and_then(|text| std::str::from_utf8(text).ok());
    let document = base.zip(text).and_then(|(base, text)| Document::at(base, text));
    let (coding, body) = twin.map_or((None, plain), |(coding, body)| (Some(coding), body));
    let etag = etag(&body, base.unwrap_or_default());
    let whole = |body: EmbeddedFile| match (&document, coding) {
        (Some(document), None) => document.finish(None, document.start()),
        (Some(document), coding) => document.finish(coding, &body.data),
        (None, _) => bytes(body.data),
    };

    let unchanged = header(request, IF_NONE_MATCH).is_some_and(|known| knows(known, &etag));
    let body = (!unchanged).then(|| whole(body));
    represented(name, HeaderValue::from_str(&kind).ok()?, coding, &etag, body)
}

/// A file of which the page has nothing but the Brotli: unpacking it for a client would cost more than a refusal.
fn packed<B>(name: &str, request: &Request<B>) -> Option<HttpResponse> {
    let packed = brotli(name)?;
    // Without the header every coding is accepted: RFC 9110, 12.5.3.
    let accepted = header(request, ACCEPT_ENCODING).unwrap_or("*");
    // A coding that is named is meant by its own weight, and not by the one of `*`.
    let named = accepted.to_ascii_lowercase().split(',').any(|offer| coding_of(offer) == "br");
    if !accepts(accepted, if named { "br" } else { "*" }) {
        let mut answer = response::text("this file is sent as br alone\n");
        *answer.status_mut() = StatusCode::NOT_ACCEPTABLE;
        answer.headers_mut().insert(VARY, HeaderValue::from_static("accept-encoding"));
        return Some(answer);
    }
    let kind =
        if name.ends_with(".wasm") { "application/wasm" } else { "application/octet-stream" };
    let etag = etag(&packed, "");
    let unchanged = header(request, IF_NONE_MATCH).is_some_and(|known| knows(known, &etag));
    let body = (!unchanged).then(|| bytes(packed.data));
    represented(name, HeaderValue::from_static(kind), Some("br"), &etag, body)
}

/// The answer with a file; without a body, that the client has it.
fn represented(
    name: &str,
    kind: HeaderValue,
    coding: Option<&'static str>,
    etag: &str,
    body: Option<Bytes>,
) -> Option<HttpResponse> {
    let unchanged = body.is_none();
    let mut answer = response::of(kind, body.unwrap_or_default());
    if unchanged {
        *answer.status_mut() = StatusCode::NOT_MODIFIED;
    }
    let cache =
        if name.starts_with(HASHED) { "public, max-age=31536000, immutable" } else { "no-cache" };
    let headers = answer.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static(cache));
    headers.insert(ETAG, HeaderValue::from_str(etag).ok()?);
    headers.insert(VARY, HeaderValue::from_static("accept-encoding"));
    if let Some(coding) = coding {
        headers.insert(CONTENT_ENCODING, HeaderValue::from_static(coding));
    }
    Some(answer)
}

fn bytes(data: Cow<'static, [u8]>) -> Bytes {
    match data {
        Cow::Borrowed(data) => Bytes::from_static(data),
        Cow::Owned(data) => Bytes::from(data),
    }
}

/// A tag of the file and of the address in it.
fn etag(file: &EmbeddedFile, base: &str) -> String {
    let hash = Sha256::new_with_prefix(file.metadata.sha256_hash()).chain_update(base).finalize();
    let hash: String = hash[..16].iter().map(|byte| format!("{byte:02x}")).collect();
    format!("\"{hash}\"")
}

/// Whether `If-None-Match` names this tag. A proxy that compresses on its own marks tags as weak (`W/`): they still
/// match.
fn knows(known: &str, etag: &str) -> bool {
    known.trim() == "*"
        || known.split(',').any(|known| known.trim().trim_start_matches("W/") == etag)
}

/// Whether `Accept-Encoding` names this coding with a quality above 0.
fn accepts(accepted: &str, coding: &str) -> bool {
    accepted.split(',').any(|offer| {
        let (name, weight) = offer.split_once(';').unwrap_or((offer, ""));
        let refused = weight.trim().strip_prefix("q=").is_some_and(|q| q.parse() == Ok(0.0_f32));
        name.trim().eq_ignore_ascii_case(coding) && !refused
    })
}

/// The coding of an offer, without its weight.
fn coding_of(offer: &str) -> &str {
    offer.split(';').next().unwrap_or_default().trim()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codings_are_negotiated() {
        assert!(
            accepts("gzip, deflate, br", "br")
                && accepts("br;q=0.5", "br")
                && accepts("GZIP", "gzip")
        );
        assert!(
            !accepts("gzip", "br")
                && !accepts("br;q=0, gzip", "br")
                && !accepts("", "gzip")
                && !accepts("xbr", "br")
        );
    }
}
