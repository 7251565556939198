//! File descriptors: how many this process may have, and how many of them connections may take.

use rustix::process::{Resource as Rlimit, getrlimit, setrlimit};

use crate::budget::{Limits, Resource};

/// Reserved for connections on trial, Redis, the database, LiveKit and files: an eighth, within these bounds.
const RESERVE: std::ops::RangeInclusive<u64> = 64..=512;

/// Raises the soft limit of file descriptors to the hard one. Programs are often started with 1,024.
pub fn raise() {
    let before = getrlimit(Rlimit::Nofile);
    let mut wanted = before;
    wanted.current = before.maximum;
    // Fails where the system has a lower limit of its own, such as macOS: then the old limit stays.
    let raised = setrlimit(Rlimit::Nofile, wanted);
    let (was, is) = (before.current, getrlimit(Rlimit::Nofile).current);
    let text =
        |limit: Option<u64>| limit.map_or_else(|| "none".to_owned(), |limit| limit.to_string());
    match raised {
        Ok(()) => tracing::info!(was = text(was), is = text(is), "limit of file descriptors"),
        Err(error) => {
            tracing::warn!(is = text(is), %error, "the limit of file descriptors cannot be raised")
        }
    }
}

/// The limits, with no more connections than there are descriptors for.
pub(super) fn bounded(limits: Limits) -> Limits {
    bounded_by(limits, getrlimit(Rlimit::Nofile).current)
}

fn bounded_by(limits: Limits, descriptors: Option<u64>) -> Limits {
    let Some(descriptors) = descriptors else { return limits };
    let reserve = (descriptors / 8).clamp(*RESERVE.start(), *RESERVE.end()).min(descriptors / 2);
    let most = usize::try_from(descriptors - reserve).unwrap_or(usize::MAX).max(1);
    let (node, address) = (
        limits.node[Resource::Connections as usize],
        limits.address[Resource::Connections as usize],
    );
    let limits =
        if node == 0 || node > most { limits.of_node(Resource::Connections, most) } else { limits };
    // Where there are few, one address gets at most half of them.
    limits.of_address(Resource::Connections, address.min((most / 2).max(1)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_leave_some_descriptors_and_one_address_takes_half() {
        let given = Limits::default()
            .of_node(Resource::Connections, 50_000)
            .of_address(Resource::Connections, 1000);
        let of = |limits: Limits, descriptors| {
            let limits = bounded_by(limits, descriptors);
            (
                limits.node[Resource::Connections as usize],
                limits.address[Resource::Connections as usize],
            )
        };
        assert_eq!(of(given, None), (50_000, 1000));
        assert_eq!(of(given, Some(1 << 20)), (50_000, 1000));
        assert_eq!(of(given, Some(20_000)), (19_488, 1000));
        assert_eq!(of(given, Some(1024)), (896, 448));
        assert_eq!(of(given, Some(100)), (50, 25));
        assert_eq!(of(given, Some(0)), (1, 1));
        assert_eq!(
            of(Limits::default(), Some(1024)),
            (896, 0),
            "0 is no limit for an address, but files have one"
        );
    }
}
