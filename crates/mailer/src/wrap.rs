/// Lines of mail are read in terminals too.
const WIDTH: usize = 72;

/// Breaks each paragraph into lines between words. A word that is longer than a line gets one to itself, whole.
pub(crate) fn wrap(text: &str) -> String {
    text.lines().map(wrap_paragraph).collect::<Vec<_>>().join("\n")
}

fn wrap_paragraph(text: &str) -> String {
    let mut wrapped = String::with_capacity(text.len());
    let mut width = 0;
    for word in text.split(' ').filter(|word| !word.is_empty()) {
        let length = word.chars().count();
        if width > 0 {
            let fits = width + 1 + length <= WIDTH;
            wrapped.push(if fits { ' ' } else { '\n' });
            width = if fits { width + 1 } else { 0 };
        }
        wrapped.push_str(word);
        width += length;
    }
    wrapped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_broken_between_words() {
        let text = "word ".repeat(40);
        let wrapped = wrap(&text);
        assert!(wrapped.lines().count() > 2 && wrapped.lines().all(|line| line.len() <= WIDTH), "{wrapped}");
        assert_eq!(wrapped.replace('\n', " "), text.trim());
    }

    #[test]
    fn a_long_word_stays_whole() {
        let long = "x".repeat(100);
        assert_eq!(wrap(&format!("a {long} b")), format!("a\n{long}\nb"));
    }

    #[test]
    fn paragraphs_stay_apart() {
        assert_eq!(wrap("one\n\ntwo"), "one\n\ntwo");
    }

    #[test]
    fn a_line_is_as_wide_as_it_may_be() {
        let (fits, breaks) = (format!("{} b", "a".repeat(70)), format!("{} b", "a".repeat(71)));
        assert_eq!(wrap(&fits), fits);
        assert_eq!(wrap(&breaks), breaks.replace(' ', "\n"));
    }
}
