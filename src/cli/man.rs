//! The manual page of a program (man-pages(7), groff_man(7)), printed from the tables of its flags.

use super::page::Page;

/// Returns the manual page of a program in section 1. The first page is that of the program, the others are those of its
/// commands.
pub(super) fn man(pages: &[Page]) -> String {
    let Some(first) = pages.first() else { return String::new() };
    let mut text = format!(
        ".TH {} 1 \"\" \"threadbare {}\" \"User Commands\"\n.SH NAME\n{} \\- {}\n.SH SYNOPSIS\n",
        first.name.to_uppercase(),
        env!("CARGO_PKG_VERSION"),
        first.name,
        escape(&summary(first.about)),
    );
    let synopsis = format!("{} {}", first.name, first.usage);
    let each: Vec<String> =
        synopsis.lines().map(|line| format!(".B {}\n", escape(line.trim()))).collect();
    text.push_str(&each.join(".br\n"));
    text.push_str(&format!(".SH DESCRIPTION\n{}", lines(first.about)));
    for (at, page) in pages.iter().enumerate() {
        let heading = match at {
            0 => "OPTIONS".to_owned(),
            _ => page.name.to_uppercase(),
        };
        text.push_str(&format!(".SH {heading}\n"));
        if at > 0 {
            text.push_str(&lines(page.about));
        }
        options(page, &mut text);
        if at > 0 {
            verbatim(page.epilogue, ".SS", &mut text);
        }
    }
    verbatim(first.epilogue, ".SH", &mut text);
    if !first.examples.is_empty() {
        text.push_str(&format!(".SH EXAMPLES\n.nf\n{}.fi\n", lines(first.examples)));
    }
    text
}

fn options(page: &Page, text: &mut String) {
    for (heading, rows) in &page.groups {
        text.push_str(&format!(".SS {}\n", escape(heading)));
        for row in rows {
            let short = row.short.map(|short| format!("\\fB\\-{short}\\fR, ")).unwrap_or_default();
            let value =
                row.value.map(|value| format!(" \\fI{}\\fR", escape(value))).unwrap_or_default();
            let long = escape(row.long);
            text.push_str(&format!(".TP\n{short}\\fB\\-\\-{long}\\fR{value}\n{}", lines(row.help)));
        }
    }
}

/// Writes lines as they are, under the headings among them: lines that begin at the margin and end with a colon.
fn verbatim(epilogue: &str, heading: &str, text: &mut String) {
    let mut is_open = false;
    for line in epilogue.lines().filter(|line| !line.is_empty()) {
        if !line.starts_with(' ') && line.contains(':') {
            let (name, rest) = line.split_once(':').unwrap_or((line, ""));
            let name = format!("{name}{rest}").to_uppercase();
            text.push_str(&format!(
                "{}{heading} {}\n.nf\n",
                if is_open { ".fi\n" } else { "" },
                escape(&name)
            ));
            is_open = true;
        } else {
            text.push_str(&lines(line));
        }
    }
    if is_open {
        text.push_str(".fi\n");
    }
}

/// Returns the first sentence without its full stop.
fn summary(about: &str) -> String {
    let one = about.split_whitespace().collect::<Vec<_>>().join(" ");
    one.split(". ").next().unwrap_or_default().trim_end_matches('.').to_owned()
}

/// Returns text lines: none of them is a request of roff.
fn lines(text: &str) -> String {
    let escaped = escape(text);
    let line = |line: &str| match line.starts_with(['.', '\'']) {
        true => format!("\\&{line}\n"),
        false => format!("{line}\n"),
    };
    escaped.lines().map(line).collect()
}

/// Escapes what roff would change: backslashes, and the signs that it prints as typographic ones.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for char in text.chars() {
        match char {
            '\\' => escaped.push_str("\\e"),
            '-' => escaped.push_str("\\-"),
            '\'' => escaped.push_str("\\(aq"),
            '`' => escaped.push_str("\\(ga"),
            '^' => escaped.push_str("\\(ha"),
            '~' => escaped.push_str("\\(ti"),
            char => escaped.push(char),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_of_the_text_is_a_request() {
        assert_eq!(lines(".a\n'b' -c \\n"), "\\&.a\n\\(aqb\\(aq \\-c \\en\n");
        assert_eq!(summary("Serves a\nfolder. And more."), "Serves a folder");
    }

    #[test]
    fn headings_of_the_epilogue_are_sections() {
        let mut text = String::new();
        verbatim("Exit codes:\n  0  good\n\nExamples:\n  a -b\n", ".SH", &mut text);
        assert_eq!(text, ".SH EXIT CODES\n.nf\n  0  good\n.fi\n.SH EXAMPLES\n.nf\n  a \\-b\n.fi\n");
    }
}
