//! Optional accounts. Rooms are ephemeral, accounts are not: they live in SQL. Registers accounts, logs in, and
//! verifies tokens.

mod login_limiter;
mod name;
mod password;
mod queue;
mod records;
mod token;

use std::{io, net::IpAddr, time::Duration};

use self::{
    login_limiter::{LoginAttempt, LoginLimiter},
    name::skeleton_of,
    password::{HashPermit, Hasher},
    records::{Record, Records},
    token::{Claims, Tokens},
};
pub use self::{
    name::AccountName,
    password::{Cost, PATIENCE, Password},
    records::RecordsError,
    token::LIFETIME_SECS,
};
use crate::{
    protocol::ApiError,
    room::{Millis, Name},
};

/// Which random key of the database signs tokens.
const KEY: &str = "tokens";

/// How long a client should wait when too many are logging in.
const BUSY: Duration = Duration::from_secs(5);

/// Why a request about accounts fails.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum AccountError {
    /// The name breaks the rule.
    #[error("not a name for an account")]
    BadUser,
    /// The password breaks the rule.
    #[error("not a password")]
    BadPassword,
    /// An account has this name, or one that looks like it.
    #[error("the name is taken")]
    NameTaken,
    /// No such account, or not its password: the client is not told which.
    #[error("not the name and the password of an account")]
    WrongLogin,
    /// No token, or no valid one.
    #[error("not logged in")]
    NotLoggedIn,
    /// Too many wrong tries.
    #[error("too many tries")]
    TooManyTries(Duration),
    /// Too many requests at once.
    #[error("too many at once")]
    Busy,
    /// The database is unavailable.
    #[error("the database is away")]
    Unavailable,
    /// An error of this server's, with its description.
    #[error("{0}")]
    Broken(String),
}

impl From<AccountError> for ApiError {
    fn from(error: AccountError) -> Self {
        match error {
            AccountError::BadUser => Self::BadUser,
            AccountError::BadPassword => Self::BadPassword,
            AccountError::NameTaken => Self::NameTaken,
            AccountError::WrongLogin => Self::WrongLogin,
            AccountError::NotLoggedIn => Self::NotLoggedIn,
            AccountError::TooManyTries(wait) => Self::TooManyTries(wait),
            AccountError::Busy => Self::AccountsBusy(BUSY),
            AccountError::Unavailable => Self::AccountsUnavailable,
            AccountError::Broken(why) => {
                tracing::error!(why, "accounts are broken");
                Self::Internal
            }
        }
    }
}

/// Why accounts could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The records cannot be opened.
    #[error(transparent)]
    Records(#[from] RecordsError),
    /// Passwords cannot be hashed.
    #[error("cannot hash passwords: {0}")]
    Hasher(#[source] io::Error),
}

/// An account whose holder is logged in.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Account {
    /// The name.
    pub name: Name,
    /// When it was registered.
    pub created_at: Millis,
}

/// All accounts.
pub struct Accounts {
    records: Records,
    hasher: Hasher,
    tokens: Tokens,
    throttle: LoginLimiter,
    clock: fn() -> Millis,
}

impl Accounts {
    /// Opens the database at `url`, brings its tables up to date and starts the threads that hash passwords.
    /// `secret` is the operator's, or empty.
    ///
    /// # Errors
    /// An error of the database, or of this machine.
    pub async fn open(
        url: &str,
        secret: &str,
        cost: Cost,
        clock: fn() -> Millis,
    ) -> Result<Self, OpenError> {
        let records = Records::open(url).await?;
        let tokens = Tokens::new(&records.key(KEY).await?, secret);
        let hasher = Hasher::start(cost).map_err(OpenError::Hasher)?;
        Ok(Self { records, hasher, tokens, throttle: LoginLimiter::default(), clock })
    }

    /// Creates an account.
    ///
    /// # Errors
    /// [`AccountError::BadUser`], [`AccountError::BadPassword`], [`AccountError::NameTaken`], and those of limits and
    /// the database.
    pub async fn register(
        &self,
        from: IpAddr,
        user: &str,
        password: &str,
    ) -> Result<(), AccountError> {
        let (name, password) = (user.parse::<AccountName>()?, password.parse::<Password>()?);
        self.throttle.register(from).map_err(AccountError::TooManyTries)?;
        // The insert decides in the end; this check before spares the wait and the work.
        let skeleton_of = skeleton_of(name.as_str());
        if self.records.is_taken(&skeleton_of).await? {
            return Err(AccountError::NameTaken);
        }
        let turn = self.hasher.turn(from).await?;
        // Another client may have registered it during the wait.
        if self.records.is_taken(&skeleton_of).await? {
            return Err(AccountError::NameTaken);
        }
        let hash = turn.hash(password).await?;
        let added = self.records.add(&name, &hash, (self.clock)()).await?;
        if added { Ok(()) } else { Err(AccountError::NameTaken) }
    }

    /// Returns a token for the right password.
    ///
    /// # Errors
    /// [`AccountError::WrongLogin`], [`AccountError::TooManyTries`], and those of limits and the database.
    pub async fn login(
        &self,
        from: IpAddr,
        user: &str,
        password: &str,
    ) -> Result<String, AccountError> {
        let name = user.parse::<AccountName>().ok();
        let attempt = LoginAttempt { account: name.as_ref().map_or("", AccountName::folded), from };
        // Before the query: a client that may not try costs the database nothing.
        self.throttle.ask(&attempt).map_err(AccountError::TooManyTries)?;
        let record = match &name {
            Some(name) => self.records.find(name.folded()).await?,
            None => None,
        };
        self.prove(&attempt, record.as_ref(), proof(password)?).await?;
        let record = record.ok_or(AccountError::WrongLogin)?;
        Ok(self.tokens.sign(record.id, record.generation, (self.clock)()))
    }

    /// The account that a token belongs to.
    ///
    /// # Errors
    /// [`AccountError::NotLoggedIn`] if it is forged, expired, logged out or of an older generation, and those of the
    /// database.
    pub async fn who(&self, token: &str) -> Result<Account, AccountError> {
        let (_, record) = self.holder(token).await?;
        Ok(Account { name: record.name, created_at: record.created_at })
    }

    /// Whether this node's accounts have signed this token, expired or not. Does not query the database.
    pub fn has_signed(&self, token: &str) -> bool {
        self.tokens.read(token).is_some()
    }

    /// Changes the password. Ends all older tokens and returns a new one.
    ///
    /// # Errors
    /// [`AccountError::NotLoggedIn`], [`AccountError::WrongLogin`], [`AccountError::BadPassword`], and those of limits
    /// and the database.
    pub async fn change_password(
        &self,
        from: IpAddr,
        token: &str,
        old: &str,
        new: &str,
    ) -> Result<String, AccountError> {
        let (_, record) = self.holder(token).await?;
        let new = new.parse::<Password>()?;
        let hash = self.prove_again(from, &record, old).await?.hash(new).await?;
        // Another request may have changed it meanwhile; then this token has ended.
        if !self.records.set_password(&record, &hash).await? {
            return Err(AccountError::NotLoggedIn);
        }
        Ok(self.tokens.sign(record.id, record.generation + 1, (self.clock)()))
    }

    /// Deletes the account. Its tokens end, and its name becomes free.
    ///
    /// # Errors
    /// [`AccountError::NotLoggedIn`], [`AccountError::WrongLogin`], and those of limits and the database.
    pub async fn delete(
        &self,
        from: IpAddr,
        token: &str,
        password: &str,
    ) -> Result<(), AccountError> {
        let (_, record) = self.holder(token).await?;
        self.prove_again(from, &record, password).await?;
        self.records.remove(record.id).await
    }

    /// Ends a token, or all tokens of its account. An invalid token has ended already.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn logout(&self, token: &str, everywhere: bool) -> Result<(), AccountError> {
        match self.holder(token).await {
            Ok((_, record)) if everywhere => self.records.end_all(record.id).await,
            Ok((claims, _)) => {
                self.records.end_token(claims.jti, claims.exp * 1000, (self.clock)()).await
            }
            Err(AccountError::NotLoggedIn) => Ok(()),
            Err(other) => Err(other),
        }
    }

    /// Whether an account has this name, or one that looks like it: then guests may not use it.
    ///
    /// # Errors
    /// [`AccountError::Unavailable`], [`AccountError::Broken`].
    pub async fn is_taken(&self, name: &Name) -> Result<bool, AccountError> {
        self.records.is_taken(&skeleton_of(name.as_str())).await
    }

    /// Whether the database answers.
    ///
    /// # Errors
    /// [`AccountError::Unavailable`], [`AccountError::Broken`].
    pub async fn ready(&self) -> Result<(), AccountError> {
        self.records.ready().await
    }

    /// How many passwords this node has hashed or compared.
    pub fn hashes(&self) -> u64 {
        self.hasher.done()
    }

    /// Closes the database.
    pub async fn close(&self) {
        self.records.close().await;
    }

    async fn holder(&self, token: &str) -> Result<(Claims, Record), AccountError> {
        let claims = self.tokens.check(token, (self.clock)()).ok_or(AccountError::NotLoggedIn)?;
        let record = self.records.holder(claims.sub, claims.jti).await?;
        let record = record
            .filter(|record| record.generation == claims.generation)
            .ok_or(AccountError::NotLoggedIn)?;
        Ok((claims, record))
    }

    /// As [`Self::prove`], for a client that is logged in.
    async fn prove_again(
        &self,
        from: IpAddr,
        record: &Record,
        password: &str,
    ) -> Result<HashPermit<'_>, AccountError> {
        let name: AccountName = record.name.as_str().parse()?;
        let (attempt, password) = (LoginAttempt { account: name.folded(), from }, proof(password)?);
        self.throttle.ask(&attempt).map_err(AccountError::TooManyTries)?;
        self.prove(&attempt, Some(record), password).await
    }

    /// Checks an account's password, after the limiter allowed the try. An account that does not exist takes the same
    /// work and gives the same error. Returns the permit, for callers that have more to hash.
    async fn prove(
        &self,
        attempt: &LoginAttempt<'_>,
        record: Option<&Record>,
        password: Password,
    ) -> Result<HashPermit<'_>, AccountError> {
        let turn = self.hasher.turn(attempt.from).await?;
        // Charged only now: of many tries at once, earlier ones may have been right.
        self.throttle.charge(attempt).map_err(AccountError::TooManyTries)?;
        if !turn.verify(password, record.map(|record| &*record.password)).await? {
            return Err(AccountError::WrongLogin);
        }
        self.throttle.refund(attempt);
        Ok(turn)
    }
}

/// A string that cannot be a password is a wrong one.
fn proof(password: &str) -> Result<Password, AccountError> {
    password.parse().map_err(|_| AccountError::WrongLogin)
}
