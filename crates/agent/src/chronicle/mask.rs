//! Command lines without their secrets. What looks like the value of a password, token or key is replaced before the text
//! leaves this module; a value too many is no harm, one too few is.

use std::borrow::Cow;

/// What stands in for a secret.
pub const MASK: &str = "***";
/// Parts of a name that make its value a secret, wherever they stand in it.
const PARTS: &[&str] = &[
    "password",
    "passwd",
    "passphrase",
    "requirepass",
    "masterauth",
    "token",
    "secret",
    "apikey",
    "accesskey",
    "privatekey",
    "signingkey",
    "encryptionkey",
    "credential",
    "authorization",
    "bearer",
    "cookie",
    "signature",
];
/// Whole words of a name that make its value a secret.
const WORDS: &[&str] = &[
    "key", "pass", "pwd", "pw", "auth", "jwt", "psk", "sig", "salt", "dsn", "sas",
];
/// How well-known tokens begin.
const TOKENS: &[&str] = &[
    "ghp_",
    "gho_",
    "ghs_",
    "ghu_",
    "github_pat_",
    "glpat-",
    "sk-",
    "sk_live_",
    "sk_test_",
    "rk_live_",
    "xoxb-",
    "xoxp-",
    "xapp-",
    "AKIA",
    "ASIA",
    "AIza",
    "eyJ",
    "hvs.",
    "npm_",
    "pypi-",
    "dop_v1_",
    "SG.",
];
/// Short options whose next argument is a secret, by how the program's name begins.
const SHORT: &[(&str, &str)] = &[
    ("redis-cli", "-a"),
    ("sshpass", "-p"),
    ("curl", "-u"),
    ("wget", "-u"),
    ("ldap", "-w"),
    ("mosquitto", "-P"),
];
/// Short options that hold their secret themselves.
const JOINED: &[(&str, &str)] = &[("mysql", "-p"), ("mariadb", "-p"), ("redis-cli", "-a")];

/// A command line for people: arguments joined by spaces, secrets masked.
pub fn masked(args: &[String]) -> String {
    let program = args
        .first()
        .map_or("", |a| a.rsplit('/').next().unwrap_or(a));
    let mut out = String::new();
    let mut secret = false;
    for (place, arg) in args.iter().enumerate() {
        if place > 0 {
            out.push(' ');
        }
        let (text, next) = one(program, arg, secret && !is_option(arg));
        out.push_str(&text);
        secret = next;
    }
    out
}

/// One argument, and whether the next one is a secret. An argument that holds a whole command is taken word by word.
fn one<'a>(program: &str, arg: &'a str, secret: bool) -> (Cow<'a, str>, bool) {
    if secret {
        return (Cow::Borrowed(MASK), false);
    }
    if !arg.contains(char::is_whitespace) {
        return (word(program, arg), announces(program, arg));
    }
    let (mut out, mut secret) = (String::new(), false);
    for (place, part) in arg.split(char::is_whitespace).enumerate() {
        if place > 0 {
            out.push(' ');
        }
        let masked = secret && !part.is_empty() && !is_option(part);
        out.push_str(&if masked {
            Cow::Borrowed(MASK)
        } else {
            word(program, part)
        });
        // "Authorization: Bearer x" and "password: x": what follows the colon.
        let bare = part.trim_matches(['"', '\'']);
        let header = bare.strip_suffix(':').is_some_and(is_secret_name);
        let scheme = ["bearer", "basic"]
            .iter()
            .any(|s| bare.eq_ignore_ascii_case(s));
        secret = header || scheme || announces(program, bare) || (secret && part.is_empty());
    }
    (Cow::Owned(out), false)
}

fn is_option(arg: &str) -> bool {
    arg.starts_with("--") || (arg.starts_with('-') && arg.len() == 2)
}

/// Whether the next argument is this one's value and secret.
fn announces(program: &str, arg: &str) -> bool {
    let short = SHORT
        .iter()
        .any(|(name, option)| program.starts_with(name) && arg == *option);
    let long = arg.strip_prefix('-').is_some_and(|name| {
        let name = name.trim_start_matches('-');
        !name.contains(['=', ':']) && is_secret_name(name)
    });
    // `identified by x`, as SQL has it: a word more is masked than needed.
    short || long || arg.eq_ignore_ascii_case("identified")
}

/// One word: `name=value`, `name:value`, a URL, a token.
fn word<'a>(program: &str, word: &'a str) -> Cow<'a, str> {
    for (name, option) in JOINED {
        if program.starts_with(name)
            && word
                .strip_prefix(option)
                .is_some_and(|rest| !rest.is_empty())
        {
            return Cow::Owned(format!("{option}{MASK}"));
        }
    }
    if let Some((name, value)) = word.split_once('=')
        && !name.contains("://")
        && !value.is_empty()
        && is_secret_name(name)
    {
        return Cow::Owned(format!("{name}={MASK}"));
    }
    if let Some(masked) = url(word) {
        return Cow::Owned(masked);
    }
    if let Some((name, value)) = word.split_once(':')
        && !value.is_empty()
        && is_secret_name(name.trim_start_matches(['{', '"', '\'']))
    {
        return Cow::Owned(format!("{name}:{MASK}"));
    }
    if let Some((name, value)) = word.split_once('=')
        && is_token(value)
    {
        return Cow::Owned(format!("{name}={MASK}"));
    }
    if is_token(word) {
        return Cow::Borrowed(MASK);
    }
    Cow::Borrowed(word)
}

/// `scheme://user:password@host/?token=x`: the credentials and the values of the query.
fn url(word: &str) -> Option<String> {
    let (scheme, rest) = word.split_once("://")?;
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    // A password may hold what ends a host; the last `@` before the path is where the host begins.
    let at = rest[..end].rfind('@').or_else(|| {
        let at = rest.rfind('@')?;
        rest[..at].contains(':').then_some(at)
    });
    let (credentials, place) = at.map_or(("", rest), |at| (&rest[..at], &rest[at + 1..]));
    let mut out = format!("{scheme}://");
    match credentials.split_once(':') {
        Some((user, _)) => out.push_str(&format!("{user}:{MASK}@")),
        None if at.is_some() => out.push_str(&format!("{MASK}@")),
        None => {}
    }
    let Some((path, query)) = place.split_once('?') else {
        out.push_str(place);
        return Some(out);
    };
    out.push_str(path);
    let pair = |pair: &str| match pair.split_once('=') {
        Some((name, _)) => format!("{name}={MASK}"),
        None => pair.to_owned(),
    };
    let pairs: Vec<String> = query.split('&').map(pair).collect();
    out.push('?');
    out.push_str(&pairs.join("&"));
    Some(out)
}

/// Whether it begins as well-known tokens do.
pub fn is_token(value: &str) -> bool {
    let value = value.trim_matches(['"', '\'']);
    value.len() >= 16 && TOKENS.iter().any(|begin| value.starts_with(begin))
}

/// Whether something of this name is a secret: `--db-password`, `DB_PASS`, `dbPassword`, `apiKey`, `spring.mail.password`.
pub fn is_secret_name(name: &str) -> bool {
    let words = words(name);
    let joined = words.concat();
    PARTS.iter().any(|part| joined.contains(part))
        || WORDS.iter().any(|w| words.iter().any(|x| x == w))
}

/// The words of a name, in lower case: parted by signs and where capitals begin.
fn words(name: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut lower = false;
    for c in name.chars() {
        if !c.is_ascii_alphanumeric() {
            words.push(String::new());
        } else {
            if c.is_ascii_uppercase() && lower {
                words.push(String::new());
            }
            if let Some(word) = words.last_mut() {
                word.push(c.to_ascii_lowercase());
            }
        }
        lower = c.is_ascii_lowercase();
    }
    words.retain(|word| !word.is_empty());
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(args: &[&str]) -> String {
        let args: Vec<String> = args.iter().map(|a| (*a).to_owned()).collect();
        masked(&args)
    }

    #[test]
    fn secrets_are_masked() {
        for (args, want) in [
            (
                &["a", "--password", "hunter2", "-v"][..],
                "a --password *** -v",
            ),
            (&["a", "--db-password=hunter2"], "a --db-password=***"),
            (
                &["a", "-Dspring.datasource.password=x"],
                "a -Dspring.datasource.password=***",
            ),
            (&["a", "--apiKey", "x y z"], "a --apiKey ***"),
            (
                &["env", "AWS_SECRET_ACCESS_KEY=abc", "a"],
                "env AWS_SECRET_ACCESS_KEY=*** a",
            ),
            (&["a", "--auth-token", "--other"], "a --auth-token --other"),
            (
                &[
                    "a",
                    "postgres://u:p%40ss@db:5432/x?sslmode=off&sslpassword=y",
                ],
                "a postgres://u:***@db:5432/x?sslmode=***&sslpassword=***",
            ),
            (
                &["a", "--url=redis://:pw@r:6379"],
                "a --url=redis://:***@r:6379",
            ),
            (
                &["a", "https://ghp_tokentoken@github.example/x"],
                "a https://***@github.example/x",
            ),
            (&["a", "amqp://u:p/w@d@host/v"], "a amqp://u:***@host/v"),
            (
                &["sh", "-c", "PGPASSWORD=x exec psql -h db"],
                "sh -c PGPASSWORD=*** exec psql -h db",
            ),
            (
                &["sh", "-c", "run --token abc --port 80"],
                "sh -c run --token *** --port 80",
            ),
            (
                &["curl", "-H", "Authorization: Bearer abc.def"],
                "curl -H Authorization: *** ***",
            ),
            (
                &["curl", "-u", "me:pw", "http://a/"],
                "curl -u *** http://a/",
            ),
            (&["mysql", "-uroot", "-psecret"], "mysql -uroot -p***"),
            (
                &["/usr/bin/redis-cli", "-a", "pw"],
                "/usr/bin/redis-cli -a ***",
            ),
            (
                &["redis-server", "--requirepass", "pw"],
                "redis-server --requirepass ***",
            ),
            (&["a", "ghp_0123456789abcdef0123"], "a ***"),
            (&["a", "--x=eyJhbGciOiJIUzI1NiJ9.e30.x"], "a --x=***"),
            (&["a", "{\"password\":\"x\"}"], "a {\"password\":***"),
            (
                &["a", "--private-key-passphrase", "-dash"],
                "a --private-key-passphrase ***",
            ),
        ] {
            assert_eq!(of(args), want, "{args:?}");
        }
    }

    #[test]
    fn what_is_no_secret_stays() {
        for args in [
            &["nginx: master process /usr/sbin/nginx -g daemon off;"][..],
            &[
                "python3",
                "-m",
                "http.server",
                "--keepalive",
                "5",
                "--bind",
                "::1",
            ],
            &[
                "java",
                "-Xmx1g",
                "-jar",
                "/srv/orders.jar",
                "--server.port=8080",
            ],
            &["a", "--monkey=7", "--passenger", "x", "http://a:80/b"],
            &["a", ""],
        ] {
            assert_eq!(of(args), args.join(" "));
        }
        assert_eq!(of(&[]), "");
    }
}
