//! Which clients get a room as text, and which get the page.

use hyper::{
    HeaderMap, Method, Request,
    header::{ACCEPT, HeaderValue, RANGE, USER_AGENT},
};

/// The headers that the response at `/r/{room}` depends on.
pub(super) const VARIES: HeaderValue = HeaderValue::from_static("accept, user-agent");

/// Terminal programs, by their `User-Agent`.
const TERMINALS: [&str; 4] = ["curl", "wget", "wget2", "httpie"];

/// Whether the client wants the room as text, which makes it a member. All others get the page: bots that preview links
/// and monitors send `*/*`, or nothing, and would stay members for ever.
pub(super) fn wants_text<B>(request: &Request<B>) -> bool {
    let headers = request.headers();
    // An endless text has no ranges, and a browser that navigates shows a page.
    if request.method() != Method::GET
        || headers.contains_key(RANGE)
        || is(headers, "sec-fetch-mode", "navigate")
    {
        return false;
    }
    let wish = AcceptQuality::of(headers);
    if wish.html > 0 {
        return false;
    }
    // Some libraries list text/plain beside */* on their own: it must rank above all else.
    wish.text > wish.other || (is_terminal(headers) && !headers.contains_key("sec-fetch-mode"))
}

/// The quality that `Accept` gives each kind, in thousandths.
#[derive(Default)]
struct AcceptQuality {
    text: u16,
    html: u16,
    other: u16,
}

impl AcceptQuality {
    fn of(headers: &HeaderMap) -> Self {
        let mut wish = Self::default();
        let lines = headers.get_all(ACCEPT).iter().filter_map(|line| line.to_str().ok());
        for range in lines.flat_map(|line| line.split(',')) {
            let mut parts = range.split(';').map(str::trim);
            let kind = parts.next().unwrap_or_default();
            let weight =
                parts.find_map(|part| part.strip_prefix("q=").or_else(|| part.strip_prefix("Q=")));
            let weight = weight.map_or(1000, thousandths);
            let place = match kind {
                "" => continue,
                kind if kind.eq_ignore_ascii_case("text/plain") => &mut wish.text,
                kind if kind.eq_ignore_ascii_case("text/html") => &mut wish.html,
                _ => &mut wish.other,
            };
            *place = weight.max(*place);
        }
        wish
    }
}

/// A quality value in thousandths; an invalid one counts as 0.
fn thousandths(given: &str) -> u16 {
    let weight: f32 = given.trim().parse().unwrap_or_default();
    // Between 0 and 1000; not a number becomes 0.
    (weight.clamp(0.0, 1.0) * 1000.0).round() as u16
}

fn is_terminal(headers: &HeaderMap) -> bool {
    let agent = headers.get(USER_AGENT).and_then(|agent| agent.to_str().ok()).unwrap_or_default();
    let program = agent.split(['/', ' ']).next().unwrap_or_default();
    TERMINALS.iter().any(|terminal| program.eq_ignore_ascii_case(terminal))
}

fn is(headers: &HeaderMap, name: &str, value: &str) -> bool {
    headers.get(name).is_some_and(|given| given == value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(headers: &[(&str, &str)]) -> bool {
        wants_text(
            &headers
                .iter()
                .fold(Request::get("/r/x"), |request, (name, value)| request.header(*name, *value))
                .body(())
                .unwrap(),
        )
    }

    #[test]
    fn text_is_for_those_who_ask_for_it_above_all_else() {
        for accept in [
            "text/plain",
            "TEXT/PLAIN; charset=utf-8",
            "text/plain;q=0.5",
            "text/plain, */*;q=0.1",
            "text/plain, text/html;q=0",
            "application/json;q=0.2, text/plain;format=flowed;q=0.8",
        ] {
            assert!(ask(&[("accept", accept)]), "{accept}");
        }
        for accept in [
            "*/*",
            "",
            "text/*",
            "text/html",
            "text/plain;q=0",
            "text/plain;q=0.0, */*;q=0.1",
            "text/plain;q=none",
            "text/plain;q=NaN",
            "text/plain, text/html",
            "text/plain, text/html;q=0.1",
            "text/html, text/plain;q=0.5",
            "text/plainer",
            "application/json",
            // What axios, Angular and Spring send by default.
            "application/json, text/plain, */*",
            "text/plain, application/json, application/*+json, */*",
        ] {
            assert!(!ask(&[("accept", accept)]), "{accept}");
        }
        assert!(ask(&[("accept", "text/plain"), ("accept", "*/*;q=0.5")]));
        assert!(
            !ask(&[("accept", "text/plain"), ("accept", "text/html")]),
            "in two lines as in one"
        );
        assert!(!ask(&[]));
    }

    #[test]
    fn text_is_for_a_terminal_by_its_name() {
        for agent in [
            "curl/8.14.1",
            "Wget/1.21.3",
            "Wget/1.21.3 (linux-gnu)",
            "Wget",
            "wget2/2.1.0",
            "HTTPie/3.2.4",
            "CURL/1",
        ] {
            assert!(
                ask(&[("user-agent", agent)]) && ask(&[("user-agent", agent), ("accept", "*/*")]),
                "{agent}"
            );
            assert!(
                ask(&[("user-agent", agent), ("accept", "application/json, */*;q=0.5")]),
                "{agent}"
            );
            for page in [
                ("accept", "text/html"),
                ("range", "bytes=0-99"),
                ("sec-fetch-mode", "cors"),
                ("sec-fetch-mode", "navigate"),
            ] {
                assert!(!ask(&[("user-agent", agent), page]), "{agent} {page:?}");
            }
        }
        for agent in [
            "python-requests/2.32.3",
            "Go-http-client/1.1",
            "Java/17.0.2",
            "Java-http-client/17",
            "okhttp/4.12.0",
            "TelegramBot (like TwitterBot)",
            "Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)",
            "facebookexternalhit/1.1 (+http://www.facebook.com/externalhit_uatext.php)",
            "PycURL/7.45.2 libcurl/8.14",
            "libcurl-agent/1.0",
            "curlie/1.0",
            "Mozilla/5.0 (compatible; curl/8)",
            "",
        ] {
            assert!(!ask(&[("user-agent", agent), ("accept", "*/*")]), "{agent}");
        }
    }

    #[test]
    fn only_a_whole_get_is_text_and_never_a_navigation() {
        let plain = ("accept", "text/plain");
        assert!(
            !ask(&[plain, ("sec-fetch-mode", "navigate")])
                && ask(&[plain, ("sec-fetch-mode", "cors")])
        );
        assert!(!ask(&[plain, ("range", "bytes=0-")]));
        let head = Request::head("/r/x")
            .header("accept", "text/plain")
            .header("user-agent", "curl/8")
            .body(())
            .unwrap();
        assert!(!wants_text(&head));
    }
}
