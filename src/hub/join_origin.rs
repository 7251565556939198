//! Where somebody comes from who takes a seat.

use tokio::time::Instant;

use crate::room::{Cursor, Name};

/// Where a member goes on whose seat is taken up.
#[derive(Clone, Copy, Debug)]
pub struct ResumeFrom {
    /// Where they stopped reading, if anywhere.
    pub cursor: Option<Cursor>,
    /// What they have read up to the cursor still holds.
    pub exact: bool,
    /// When their request came: a seat that a newer link has taken stays there.
    pub began: Instant,
}

/// Where somebody comes from.
#[derive(Clone, Copy)]
pub(super) struct JoinOrigin {
    pub(super) cursor: Option<Cursor>,
    /// They sat here before.
    pub(super) resumed: bool,
    /// What they have read up to the cursor still holds.
    pub(super) exact: bool,
    /// They come through a door: whoever is no member becomes one.
    pub(super) joins: bool,
    /// When they came. Of two links of a member, the one that came later has the seat.
    pub(super) began: Instant,
}

/// Whether a ticket made out to `bearer` is for who comes in as `name`: a ticket proves a seat, but no login, so it is
/// of no use to somebody who has logged in, out, or in as somebody else since.
pub(super) fn same_account(ticket_holder: &Name, name: Option<&Name>) -> bool {
    let account = |name: &Name| name.is_verified().then(|| name.as_str().to_owned());
    account(ticket_holder) == name.and_then(account)
}
