//! The name a person probably meant, for messages that say "did you mean".

/// The candidate closest to `word`: equal but for case, else within a third of its length in edits.
pub(crate) fn nearest<'a>(word: &str, candidates: &'a [String]) -> Option<&'a str> {
    let lower = word.to_lowercase();
    let allowed = word.chars().count() / 3;
    candidates
        .iter()
        .map(|candidate| (edits(&lower, &candidate.to_lowercase()), candidate.as_str()))
        .filter(|(distance, _)| *distance <= allowed)
        .min()
        .map(|(_, candidate)| candidate)
}

/// Levenshtein's distance: insertions, deletions and replacements that turn `a` into `b`.
fn edits(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let replaced = diagonal + usize::from(x != *y);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(word: &str, expected: Option<&str>) {
        let candidates = ["retention_1", "retention_7", "version", "n"].map(str::to_owned);
        assert_eq!(nearest(word, &candidates), expected);
    }

    #[test]
    fn closest_candidates() {
        check("Version", Some("version"));
        check("retenton_7", Some("retention_7"));
        check("versoin", Some("version"));
        check("spend", None);
        check("N", Some("n"));
        check("m", None);
    }
}
