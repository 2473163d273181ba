//! Mail: a message as text and as HTML, and the way to the mail server.

use std::path::PathBuf;
use std::time::Duration;

use askama::Template;
use jiff::civil::Date;
use lettre::message::header::{Header, HeaderName, HeaderValue};
use lettre::message::{Mailbox, MultiPart};
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Certificate, Tls, TlsParameters};
use lettre::{Address, AsyncSmtpTransport, AsyncTransport as _, Tokio1Executor};
use serde::{Deserialize, Serialize};
use tenure_core::notification::Message;
use tenure_core::notification::digest::Digest;
use tenure_store::{Confidential, Digest as Sha};

use super::content::{Content, Note};
use super::target::said;

/// How long the mail server may take for one command.
const PATIENCE: Duration = Duration::from_secs(15);

/// The mail server. Without `host` no mail is sent.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Smtp {
    /// Its name.
    pub host: Option<String>,
    /// Its port; 587 with STARTTLS, 465 with TLS and 25 without, if left out.
    pub port: Option<u16>,
    /// How the connection is kept private.
    pub security: Security,
    /// Whom mail comes from, such as `Tenure <tenure@example.com>`.
    pub from: Option<String>,
    /// The name to sign in with, if the server wants one.
    pub user: Option<String>,
    /// The password that goes with it.
    #[serde(with = "crate::confidential")]
    pub password: Option<Confidential>,
    /// A PEM file of a certificate authority of your own to trust beside the public ones.
    pub ca_file: Option<PathBuf>,
}

/// How a connection to the mail server is kept private.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Security {
    /// Begins in the clear and must become TLS before anything is said.
    #[default]
    Starttls,
    /// TLS from the first byte.
    Tls,
    /// In the clear: for a server on this machine, or in a test.
    None,
}

/// A mail that was not taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotMailed {
    /// What went wrong.
    pub said: String,
    /// Whether the server will never take it, such as for an address that does not exist.
    pub for_good: bool,
}

/// A way to the mail server.
pub struct Mailer {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    from: Mailbox,
    /// What stands behind the `@` of message ids.
    host: String,
}

impl std::fmt::Debug for Mailer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Mailer").field("host", &self.host).finish_non_exhaustive()
    }
}

impl Smtp {
    /// The way to the configured server; none without one. An error names the key within `smtp`.
    pub fn mailer(&self) -> Result<Option<Mailer>, (&'static str, String)> {
        let Some(host) = self.host.as_deref().filter(|host| !host.is_empty()) else { return Ok(None) };
        let from = self.from.as_deref().ok_or((
            "smtp.from",
            "say whom mail comes from, such as `Tenure <tenure@example.com>`".to_owned(),
        ))?;
        let from: Mailbox =
            from.parse().map_err(|error| ("smtp.from", format!("{from:?} is no address: {error}")))?;
        // The process may have a provider already: the first one stays.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let (tls, port) = match self.security {
            Security::None => (Tls::None, 25),
            Security::Starttls => (Tls::Required(self.tls(host)?), 587),
            Security::Tls => (Tls::Wrapper(self.tls(host)?), 465),
        };
        let mut transport = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(host)
            .port(self.port.unwrap_or(port))
            .tls(tls)
            .timeout(Some(PATIENCE));
        match (&self.user, &self.password) {
            (Some(user), Some(password)) => {
                transport =
                    transport.credentials(Credentials::new(user.clone(), password.reveal().to_owned()));
            }
            (None, None) => {}
            _ => return Err(("smtp.user", "give both `user` and `password`, or neither".to_owned())),
        }
        let host = from.email.domain().to_owned();
        Ok(Some(Mailer { transport: transport.build(), from, host }))
    }

    fn tls(&self, host: &str) -> Result<TlsParameters, (&'static str, String)> {
        let mut parameters = TlsParameters::builder(host.to_owned());
        if let Some(path) = &self.ca_file {
            let wrong = |why: String| ("smtp.ca_file", format!("{} {why}", path.display()));
            let pem = std::fs::read(path).map_err(|error| wrong(format!("cannot be read: {error}")))?;
            let authority = Certificate::from_pem(&pem)
                .map_err(|error| wrong(format!("is no certificate in PEM form: {error}")))?;
            parameters = parameters.add_root_certificate(authority);
        }
        parameters.build().map_err(|error| ("smtp.security", error.to_string()))
    }
}

/// A mail, before it has a sender and a receiver.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rendered {
    /// The subject, on one line.
    pub subject: String,
    /// As plain text.
    pub text: String,
    /// As HTML.
    pub html: String,
    /// What mails of one conversation share, such as the case.
    pub thread: Option<String>,
}

/// A link by which somebody without an account answers buy-in.
#[derive(Debug, Clone, Template)]
#[template(path = "mail/invitation.txt")]
pub struct Invitation {
    /// What it is about.
    pub title: String,
    /// Who is invited.
    pub person: String,
    /// The team they answer for.
    pub team: String,
    /// The page it opens.
    pub link: String,
    /// The last day it is good for.
    pub until: Date,
}

/// Write the mail that carries an invitation's link.
pub fn render_invitation(asked: &Invitation) -> Result<Rendered, askama::Error> {
    let subject = format!("Your answer is asked for: {}", asked.title);
    let subject = subject.split_whitespace().collect::<Vec<_>>().join(" ");
    let html = InvitationHtml { subject: &subject, asked }.render()?;
    Ok(Rendered { text: asked.render()?, html, subject, thread: None })
}

/// Write a mail. `url` is the server's address.
pub fn render(content: &Content, url: &str) -> Result<Rendered, askama::Error> {
    let (subject, thread) = match content {
        Content::Message(message) => {
            let about = message.case.as_ref().map(|case| format!("case/{case}"));
            let team = || message.teams.first().map(|team| format!("team/{team}"));
            (message.subject.clone(), about.or_else(team))
        }
        Content::Digest(digest) => (digest_subject(digest), None),
        Content::Note(note) => (note.subject.clone(), None),
    };
    let subject = subject.split_whitespace().collect::<Vec<_>>().join(" ");
    let (text, html) = match content {
        Content::Message(message) => {
            let happened = &stopped(&message.happened);
            let html = MessageHtml { subject: &subject, happened, message, url };
            (MessageText { happened, message, url }.render()?, html.render()?)
        }
        Content::Digest(digest) => {
            (DigestText { digest, url }.render()?, DigestHtml { subject: &subject, digest, url }.render()?)
        }
        Content::Note(note) => {
            (NoteText { note, url }.render()?, NoteHtml { subject: &subject, note, url }.render()?)
        }
    };
    Ok(Rendered { subject, text, html, thread })
}

fn digest_subject(digest: &Digest) -> String {
    let waits = match digest.waits.len() {
        0 => None,
        1 => Some("1 thing waits on you".to_owned()),
        waits => Some(format!("{waits} things wait on you")),
    };
    let cases = match digest.cases.len() {
        0 => None,
        1 => Some("1 case moved".to_owned()),
        moved => Some(format!("{moved} cases moved")),
    };
    let both: Vec<String> = [waits, cases].into_iter().flatten().collect();
    format!("Tenure, your week: {}", both.join(", "))
}

/// A sentence with its full stop, unless it ends in somebody's own.
fn stopped(sentence: &str) -> String {
    let sentence = sentence.trim_end();
    let stop = if sentence.ends_with(['.', '?', '!', '…']) { "" } else { "." };
    format!("{sentence}{stop}")
}

impl Mailer {
    /// Send a mail. `id` is the same however often it is sent, so that a mailbox can tell a duplicate.
    pub async fn send(&self, to: &str, id: &str, mail: Rendered) -> Result<String, NotMailed> {
        let for_good = |said: String| NotMailed { said, for_good: true };
        let to: Address =
            to.parse().map_err(|error| for_good(format!("the address cannot be used: {error}")))?;
        let mut message = lettre::Message::builder()
            .from(self.from.clone())
            .to(Mailbox::new(None, to))
            .subject(mail.subject)
            .message_id(Some(self.message_id(id)))
            .header(AutoSubmitted);
        if let Some(thread) = &mail.thread {
            message = message.references(self.message_id(thread));
        }
        let message = message
            .multipart(MultiPart::alternative_plain_html(mail.text, mail.html))
            .map_err(|error| for_good(format!("the mail cannot be written: {error}")))?;
        match self.transport.send(message).await {
            Ok(response) => Ok(said(&response.code().to_string())),
            Err(error) => {
                // 53x is about our own signing in, which somebody can mend.
                let code = error.status().map(u16::from);
                let ours = code.is_some_and(|code| (530..540).contains(&code));
                Err(NotMailed { said: said(&reason(&error)), for_good: error.is_permanent() && !ours })
            }
        }
    }

    fn message_id(&self, of: &str) -> String {
        format!("<{}@{}>", &Sha::of(of.as_bytes()).to_string()[..32], self.host)
    }
}

/// The error with its causes, which say what it was.
fn reason(error: &dyn std::error::Error) -> String {
    let mut reason = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        let inner_text = inner.to_string();
        if !reason.contains(&inner_text) {
            reason = format!("{reason}: {inner_text}");
        }
        cause = inner.source();
    }
    reason
}

/// Tells out-of-office answers to keep quiet (RFC 3834).
#[derive(Debug, Clone)]
struct AutoSubmitted;

impl Header for AutoSubmitted {
    fn name() -> HeaderName {
        HeaderName::new_from_ascii_str("Auto-Submitted")
    }

    fn parse(_: &str) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        Ok(Self)
    }

    fn display(&self) -> HeaderValue {
        HeaderValue::new(Self::name(), "auto-generated".to_owned())
    }
}

#[derive(Template)]
#[template(path = "mail/message.txt")]
struct MessageText<'a> {
    happened: &'a str,
    message: &'a Message,
    url: &'a str,
}

#[derive(Template)]
#[template(path = "mail/message.html")]
struct MessageHtml<'a> {
    subject: &'a str,
    happened: &'a str,
    message: &'a Message,
    url: &'a str,
}

#[derive(Template)]
#[template(path = "mail/digest.txt")]
struct DigestText<'a> {
    digest: &'a Digest,
    url: &'a str,
}

#[derive(Template)]
#[template(path = "mail/digest.html")]
struct DigestHtml<'a> {
    subject: &'a str,
    digest: &'a Digest,
    url: &'a str,
}

#[derive(Template)]
#[template(path = "mail/note.txt")]
struct NoteText<'a> {
    note: &'a Note,
    url: &'a str,
}

#[derive(Template)]
#[template(path = "mail/note.html")]
struct NoteHtml<'a> {
    subject: &'a str,
    note: &'a Note,
    url: &'a str,
}

#[derive(Template)]
#[template(path = "mail/invitation.html")]
struct InvitationHtml<'a> {
    subject: &'a str,
    asked: &'a Invitation,
}
