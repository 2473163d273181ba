//! A message as the payload of a Slack-compatible incoming webhook.
//!
//! `text` holds everything, for services that know no blocks (Mattermost, Rocket.Chat) and for notifications; `blocks` are
//! what Slack shows.

use serde_json::{Value, json};
use tenure_core::id::CaseId;
use tenure_core::notification::Message;
use tenure_core::notification::digest::Digest;

use super::content::Content;

/// Slack refuses longer texts of a block.
const BLOCK_CHARS_MAX: usize = 2_900;

/// The payload of what a person or a channel is sent. `url` is the server's address.
pub fn payload(content: &Content, url: &str) -> Value {
    let (subject, lines, link) = match content {
        Content::Message(message) => {
            (message.subject.clone(), message_lines(message), Some(link(url, message)))
        }
        Content::Digest(digest) => (
            "Your week in Tenure".to_owned(),
            digest_lines(digest, url),
            Some(format!("<{url}|Open Tenure>")),
        ),
        Content::Note(note) => {
            (note.subject.clone(), note.sentences.iter().map(|line| escaped(line)).collect(), None)
        }
    };
    let title = format!("*{}*", escaped(&subject));
    let body = lines.join("\n");
    let text: Vec<&str> =
        [Some(title.as_str()), Some(body.as_str()), link.as_deref()].into_iter().flatten().collect();
    let section = |text: &str| json!({"type": "section", "text": {"type": "mrkdwn", "text": cut(text)}});
    let mut blocks = vec![section(&title), section(&body)];
    if let Some(link) = &link {
        blocks.push(json!({"type": "context", "elements": [{"type": "mrkdwn", "text": link}]}));
    }
    json!({"text": text.join("\n"), "blocks": blocks})
}

fn link(url: &str, message: &Message) -> String {
    let what = message.case.as_ref().map_or("your desk", CaseId::as_str);
    format!("<{url}{}|Open {}>", message.path, escaped(what))
}

fn message_lines(message: &Message) -> Vec<String> {
    let mut lines = vec![escaped(&message.happened)];
    lines.extend(message.notes.iter().map(|note| escaped(note)));
    lines.extend(message.waits.iter().map(|waits| format!("Waits on {}", escaped(waits))));
    lines.extend(message.changed.iter().map(|change| format!("• {}", escaped(&change.to_string()))));
    lines.extend(message.answer.iter().map(|answer| format!("`{}`", escaped(answer))));
    lines
}

fn digest_lines(digest: &Digest, url: &str) -> Vec<String> {
    let mut lines = Vec::new();
    if !digest.waits.is_empty() {
        lines.push("*Waits on you*".to_owned());
    }
    for wait in &digest.waits {
        lines.push(format!("• <{url}{}|{}> {}", wait.path, escaped(wait.case.as_str()), escaped(&wait.line)));
    }
    if digest.waits_left_out > 0 {
        lines.push(format!("• <{url}/|and {} more>", digest.waits_left_out));
    }
    for news in &digest.cases {
        let stage = news.stage.words();
        lines.push(format!("*<{url}{}|{}>* {}", news.path, escaped(news.case.as_str()), stage));
        if news.left_out > 0 {
            lines.push(format!("• {} earlier, in the case's journal", news.left_out));
        }
        lines.extend(news.lines.iter().map(|line| format!("• {}", escaped(&line.sentence))));
    }
    lines
}

/// Slack's own three characters.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

fn cut(text: &str) -> String {
    if text.chars().count() <= BLOCK_CHARS_MAX {
        return text.to_owned();
    }
    let kept: String = text.chars().take(BLOCK_CHARS_MAX).collect();
    // Whole lines only: half a link would be shown as text.
    let whole = kept.rsplit_once('\n').map_or(kept.as_str(), |(whole, _)| whole);
    format!("{whole}\n…")
}
