//! The dimensions of a request: side, protocol, method, status class, ending, route.

/// Which end of the connection was observed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Side {
    /// The requests that a process served.
    Server,
    /// The requests that a process sent.
    Client,
}

/// What is spoken on a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Protocol {
    /// HTTP/1.0 and 1.1 in clear text.
    Http1,
    /// TLS, not read.
    Tls,
    /// HTTP/2 in clear text, not read.
    Http2,
    /// Any other TCP conversation.
    Other,
    /// PostgreSQL, not read.
    Postgres,
    /// MySQL, not read.
    Mysql,
    /// Redis, not read.
    Redis,
    /// Memcached's text protocol, not read.
    Memcached,
    /// MongoDB, not read.
    Mongodb,
    /// Kafka, not read.
    Kafka,
    /// AMQP, not read.
    Amqp,
    /// NATS, not read.
    Nats,
    /// SSH.
    Ssh,
    /// FastCGI, not read.
    Fastcgi,
    /// Any other conversation over a Unix socket.
    Unix,
}

impl Protocol {
    /// Whether its requests are counted, not only its turns and bytes.
    pub const fn is_read(self) -> bool {
        matches!(self, Self::Http1)
    }
}

/// The request method; what is not among the usual ones is `Other`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[expect(
    missing_docs,
    reason = "the variants are the methods of RFC 9110 section 9 and RFC 5789"
)]
pub enum Method {
    Other,
    Get,
    Head,
    Post,
    Put,
    Delete,
    Connect,
    Options,
    Trace,
    Patch,
}

/// The first digit of the final status, or none when no final status line was seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum StatusClass {
    /// No final status: the connection ended first.
    None,
    /// 101, the switch to another protocol.
    Informational,
    /// 2xx.
    Success,
    /// 3xx.
    Redirection,
    /// 4xx.
    ClientError,
    /// 5xx.
    ServerError,
}

/// How a request ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Ending {
    /// The whole answer was seen.
    Complete,
    /// The connection ended inside the answer.
    Cut,
    /// The connection ended before a final status line.
    Unanswered,
}

/// Which requests a summary speaks of.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Route {
    /// All requests of the instance and side: exact, with every duration.
    All,
    /// Those whose path fits a template such as `/users/:id`, from detail records.
    Template(crate::Observed),
    /// Those of a method whose records were lost or never made, so that rows always add up.
    Unattributed,
}

/// The text that stands for [`Route::Unattributed`] in every output.
pub const UNATTRIBUTED: &str = "(unattributed)";

macro_rules! codes {
    ($type:ident { $($variant:ident = $code:literal / $name:literal),+ $(,)? }) => {
        impl $type {
            /// Every value, in the order of its codes.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The number in kernel maps, on the wire and on disk; never reused.
            pub const fn code(self) -> u8 {
                match self { $(Self::$variant => $code),+ }
            }

            /// The value with this number.
            pub const fn from_code(code: u8) -> Option<Self> {
                match code { $($code => Some(Self::$variant),)+ _ => None }
            }

            /// The word in JSON, tables and documents.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name),+ }
            }
        }
    };
}

codes!(Side { Server = 1 / "server", Client = 2 / "client" });
codes!(Protocol {
    Http1 = 1 / "http/1.1",
    Tls = 2 / "tls",
    Http2 = 3 / "http/2",
    Other = 4 / "tcp",
    Postgres = 5 / "postgres",
    Mysql = 6 / "mysql",
    Redis = 7 / "redis",
    Memcached = 8 / "memcached",
    Mongodb = 9 / "mongodb",
    Kafka = 10 / "kafka",
    Amqp = 11 / "amqp",
    Nats = 12 / "nats",
    Ssh = 13 / "ssh",
    Fastcgi = 14 / "fastcgi",
    Unix = 15 / "unix",
});
codes!(Method {
    Other = 0 / "OTHER",
    Get = 1 / "GET",
    Head = 2 / "HEAD",
    Post = 3 / "POST",
    Put = 4 / "PUT",
    Delete = 5 / "DELETE",
    Connect = 6 / "CONNECT",
    Options = 7 / "OPTIONS",
    Trace = 8 / "TRACE",
    Patch = 9 / "PATCH",
});
codes!(StatusClass {
    None = 0 / "none",
    Informational = 1 / "1xx",
    Success = 2 / "2xx",
    Redirection = 3 / "3xx",
    ClientError = 4 / "4xx",
    ServerError = 5 / "5xx",
});
codes!(Ending { Complete = 0 / "complete", Cut = 1 / "cut", Unanswered = 2 / "unanswered" });

/// Whether a request with this status and ending is an error: a 5xx, or a connection that ended before the answer did.
pub const fn is_error(class: StatusClass, ending: Ending) -> bool {
    matches!(class, StatusClass::ServerError) || !matches!(ending, Ending::Complete)
}

/// Whether it is a client error: a complete answer with a 4xx, counted apart from errors.
pub const fn is_client_error(class: StatusClass, ending: Ending) -> bool {
    matches!(
        (class, ending),
        (StatusClass::ClientError, Ending::Complete)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_round_trip() {
        assert!(
            Method::ALL
                .iter()
                .all(|&m| Method::from_code(m.code()) == Some(m))
        );
        assert!(
            StatusClass::ALL
                .iter()
                .all(|&c| StatusClass::from_code(c.code()) == Some(c))
        );
        assert!(Side::from_code(0).is_none() && Ending::from_code(9).is_none());
    }

    #[test]
    fn a_4xx_is_no_error_but_a_cut_answer_is() {
        assert!(!is_error(StatusClass::ClientError, Ending::Complete));
        assert!(is_client_error(StatusClass::ClientError, Ending::Complete));
        assert!(
            is_error(StatusClass::Success, Ending::Cut)
                && is_error(StatusClass::None, Ending::Unanswered)
        );
    }
}
