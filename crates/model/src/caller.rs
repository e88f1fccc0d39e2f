//! Who asks, and what they may.

/// What a caller may do. Each includes the ones before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Role {
    /// Read.
    Viewer,
    /// Read, probe, profile, capture.
    Operator,
    /// All, with exec, shell and tokens.
    Admin,
}

impl Role {
    /// The word in messages and the audit log.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Operator => "operator",
            Self::Admin => "admin",
        }
    }
}

/// How a caller proved who it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Via {
    /// Peer credentials of a Unix socket.
    Unix,
    /// A certificate.
    Mtls,
    /// A bearer token.
    Token,
}

impl Via {
    /// The word in the audit log.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Unix => "unix",
            Self::Mtls => "mtls",
            Self::Token => "token",
        }
    }
}

/// The authenticated other end of an RPC; made by the transport layer only.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Caller {
    /// Who: `uid:1000`, a certificate's subject, a token's name.
    pub id: String,
    /// What they may.
    pub role: Role,
    /// How that was proved.
    pub via: Via,
}
