//! What members were handed when their room ended.

use parlor::receipt::{Cause, PublicKeys, Receipt, verify};

use super::{diary::Diary, fleet::Fleet, support::http};

/// The keys of the nodes that sign.
pub struct Signers(Vec<PublicKeys>);

impl Signers {
    pub async fn of(fleet: &Fleet) -> Self {
        let mut keys = Vec::new();
        for node in &fleet.nodes {
            let url = format!("http://{}/.well-known/parlor-receipt-key", node.address);
            // Those that were killed sign nothing.
            if let Ok(answer) = http::get(url).await {
                keys.push(answer.text().await.unwrap().parse().unwrap());
            }
        }
        Self(keys)
    }

    /// What a receipt says, if one of the nodes has signed it.
    pub fn read(&self, jws: &str) -> Result<Receipt, String> {
        let mut answers = self.0.iter().map(|keys| verify(jws, Some(keys)));
        let good = answers.find_map(Result::ok);
        good.ok_or_else(|| format!("no node has signed {jws}"))
    }
}

/// What is wrong with the receipts of a room that its host has ended: each member has one, and all say the same.
pub fn of_a_burn(signers: &Signers, room: &str, diaries: &[&Diary]) -> Vec<String> {
    let mut wrong = Vec::new();
    for diary in diaries {
        let who = &diary.name;
        match (diary.ended.as_deref(), &diary.rules.receipt) {
            (Some("burned"), Some(jws)) => {
                let expected = Expected { room, cause: Cause::Burned, members: diaries.len() };
                wrong.extend(expected.compare(signers, jws, diary));
            }
            // Who reconnects at that moment finds another room.
            (None, _) if diary.seen.iter().any(|(_, what)| what == "the room was gone") => {}
            (ended, receipt) => wrong.push(format!(
                "{room}: {who} was not told of the end: {ended:?}, a receipt: {}",
                receipt.is_some()
            )),
        }
    }
    wrong
}

/// The same where all have left: the last one has the only one.
pub fn of_leaves(signers: &Signers, room: &str, diaries: &[&Diary]) -> Vec<String> {
    let given = diaries.iter().filter_map(|diary| Some((diary, diary.rules.receipt.as_ref()?)));
    let given: Vec<_> = given.collect();
    if given.len() != 1 {
        let names: Vec<_> = given.iter().map(|(diary, _)| &diary.name).collect();
        return vec![format!("{room}: {} receipts after the last leave: {names:?}", given.len())];
    }
    let expected = Expected { room, cause: Cause::Left, members: 1 };
    given.iter().flat_map(|(diary, jws)| expected.compare(signers, jws, diary)).collect()
}

struct Expected<'a> {
    room: &'a str,
    cause: Cause,
    members: usize,
}

impl Expected<'_> {
    fn compare(&self, signers: &Signers, jws: &str, diary: &Diary) -> Option<String> {
        let receipt = match signers.read(jws) {
            Ok(receipt) => receipt,
            Err(wrong) => return Some(format!("{}: {}: {wrong}", self.room, diary.name)),
        };
        let epoch = diary.place().map(|(epoch, _)| epoch).unwrap_or_default();
        let good = receipt.room == self.room
            && receipt.cause == self.cause
            && receipt.members == self.members as u64
            && receipt.epoch == epoch
            && receipt.entries > 0
            && receipt.keys_left == 0;
        (!good).then(|| format!("{}: {} in {epoch} has {receipt:?}", self.room, diary.name))
    }
}
