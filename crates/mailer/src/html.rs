use askama::Template;
use driftstack_domain::mail::MailError;

use crate::{letter::Letter, wrap::wrap};

/// The same words as in the plain text. Askama escapes every one of them.
#[derive(Template)]
#[template(path = "letter.html")]
struct Page<'a> {
    subject: &'a str,
    opening: Vec<String>,
    button: Option<Button<'a>>,
    closing: Vec<String>,
}

struct Button<'a> {
    label: &'a str,
    link: &'a str,
}

/// The letter as a page: no images, nothing from elsewhere, and nothing with `token=` in it after the link.
pub(crate) fn page(letter: &Letter, link: Option<&str>) -> Result<String, MailError> {
    let label = letter.action.as_ref().map(|action| action.label);
    let page = Page {
        subject: &letter.subject,
        opening: paragraphs(&letter.opening),
        button: label.zip(link).map(|(label, link)| Button { label, link }),
        closing: paragraphs(&letter.closing),
    };
    page.render().map_err(|error| MailError(format!("it cannot be rendered: {error}")))
}

/// Wrapped like the text, as pages are read in terminals too when something is wrong with them.
fn paragraphs(text: &str) -> Vec<String> {
    text.lines().filter(|line| !line.is_empty()).map(wrap).collect()
}

#[cfg(test)]
mod tests {
    use crate::{
        render::{Rendered, render},
        testing::{BASE, TOKEN, invite, mail},
    };
    use driftstack_domain::{mail::MailContent, policy::Role, testing::people::LATER};
    use rstest::rstest;

    fn rendered(content: MailContent) -> Rendered {
        render(&mail(content), &BASE.parse().unwrap()).unwrap()
    }

    /// What a browser would show of a page: without its head and its tags, in one line.
    fn read(html: &str) -> String {
        let (_, body) = html.split_once("<body").unwrap();
        let shown: String = body.split('<').skip(1).map(|tag| tag.split_once('>').unwrap().1).collect();
        let plain = shown.replace("&#34;", "\"").replace("&#39;", "'").replace("&#60;", "<").replace("&#62;", ">");
        words(&plain.replace("&#38;", "&"))
    }

    fn words(text: &str) -> String {
        text.split_whitespace().collect::<Vec<_>>().join(" ")
    }

    #[rstest]
    #[case::plain("Acme B.V.")]
    #[case::script("<script>alert(1)</script>")]
    #[case::quotes("\" onmouseover=\"x' && <b>&amp;</b>")]
    #[case::askama("{{ subject }}{% endblock %}")]
    fn a_page_says_what_the_text_says(#[case] team: &str) {
        let it = rendered(invite(team, Role::Admin));
        let page = read(&it.html);
        for paragraph in it.text.split("\n\n") {
            assert!(page.contains(&words(paragraph)), "{paragraph} is not in {page}");
        }
    }

    #[rstest]
    #[case::script("<script>alert(1)</script>", "&#60;script&#62;alert(1)&#60;/script&#62;")]
    #[case::quotes("x' onclick='y", "x&#39; onclick=&#39;y")]
    #[case::entity("&lt;b&gt;", "&#38;lt;b&#38;gt;")]
    fn a_team_name_is_text_and_never_a_tag(#[case] team: &str, #[case] escaped: &str) {
        let it = rendered(invite(team, Role::Member));
        let tags = |html: &str| html.matches('<').count();
        assert_eq!(tags(&it.html), tags(&rendered(invite("Acme", Role::Member)).html));
        // In the title, in the heading and in the first paragraph.
        assert_eq!(words(&it.html).matches(escaped).count(), 3, "{}", it.html);
    }

    #[test]
    fn the_link_is_a_button_and_a_line() {
        let html = rendered(MailContent::SignupVerification { expires_at: LATER }).html;
        let link = format!("https://example.com/verify-email?token={TOKEN}");
        assert_eq!(html.matches(&format!("<a href=\"{link}\"")).count(), 1, "{html}");
        assert_eq!(html.lines().filter(|line| *line == link).count(), 1, "{html}");
    }

    #[test]
    fn a_base_stays_inside_of_its_attribute() {
        let base = "https://example.com/a&b'c".parse().unwrap();
        let html = render(&mail(invite("Acme", Role::Member)), &base).unwrap().html;
        assert!(
            html.contains(&format!("href=\"https://example.com/a&#38;b&#39;c/team/accept?token={TOKEN}\"")),
            "{html}"
        );
    }

    #[test]
    fn a_mail_without_a_link_has_no_button() {
        assert!(!rendered(MailContent::SignupWelcome).html.contains("<a "));
    }

    #[test]
    fn the_lines_of_a_page_are_short() {
        let html = rendered(invite("Acme", Role::Member)).html;
        let long = html.lines().find(|line| line.len() > 140 && !line.contains(TOKEN));
        assert_eq!(long, None);
    }

    #[test]
    fn a_page_loads_nothing() {
        let html = rendered(invite("Acme", Role::Member)).html;
        for elsewhere in ["<img", "<link", "<script", "src=", "url(", "@import"] {
            assert!(!html.contains(elsewhere), "{elsewhere} is in {html}");
        }
    }
}
