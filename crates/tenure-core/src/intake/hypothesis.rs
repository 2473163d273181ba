//! A hypothesis out of one text: "We believe … will result in … because …".

use crate::experiment::Hypothesis;

/// The three parts of a hypothesis, when the text has its form; the words between them are recognised in any case.
pub(super) fn read(text: &str) -> Option<Hypothesis> {
    let lower = text.to_lowercase();
    // Other lengths in lower case would cut the text in the wrong places.
    if lower.len() != text.len() {
        return None;
    }
    let believe = lower.find("we believe")? + "we believe".len();
    let (result, result_len) = ["will result in", "will lead to", "results in"]
        .into_iter()
        .find_map(|words| Some((believe + lower.get(believe..)?.find(words)?, words.len())))?;
    let after = result + result_len;
    let because = after + lower.get(after..)?.find("because")?;
    let part = |from: usize, to: usize| {
        let part = text.get(from..to)?.trim().trim_matches([',', '.', ';', ':']).trim();
        let part =
            part.strip_prefix("that ").unwrap_or(part).trim_end_matches(", which").trim_end_matches(" which");
        (!part.is_empty()).then(|| part.to_owned())
    };
    Some(Hypothesis {
        we_believe: part(believe, result)?,
        will_result_in: part(after, because)?,
        because: part(because + "because".len(), text.len())?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, parts: Option<[&str; 3]>) {
        let read = read(text).map(|it| [it.we_believe, it.will_result_in, it.because]);
        assert_eq!(read, parts.map(|parts| parts.map(str::to_owned)));
    }

    #[test]
    fn a_hypothesis_in_one_text() {
        let parts = Some(["a prompt on an empty board", "more shared boards", "people look for help there"]);
        check(
            "We believe that a prompt on an empty board, which will result in more shared boards, because people look for help there.",
            parts,
        );
        check(
            "we believe a prompt on an empty board will lead to more shared boards because people look for help there",
            parts,
        );
        check("More shared boards.", None);
        check("We believe, because", None);
        check("İ we believe a will result in b because c", None);
    }
}
