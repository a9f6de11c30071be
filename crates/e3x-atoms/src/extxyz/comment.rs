//! The comment line: `key=value` pairs with quotes, braces and brackets.

use std::iter::Peekable;
use std::str::Chars;

use super::value::{Fault, show};

/// Splits a comment line into its pairs, in order. A key without a value has the value `T`.
///
/// Values in quotes lose them and have their escapes resolved, values in braces lose the braces, values in brackets
/// keep the brackets.
pub(super) fn parse(line: &str) -> Result<Vec<(String, String)>, Fault> {
    let mut scanner = Scanner {
        line,
        chars: line.chars().peekable(),
    };
    let mut pairs: Vec<(String, String)> = Vec::new();
    while scanner.skip_blanks() {
        let key = scanner.key()?;
        if pairs.iter().any(|(known, _)| *known == key) {
            return Err(Fault::new("each key once", format!("{} twice", show(&key))));
        }
        let value = scanner.value(&key)?;
        pairs.push((key, value));
    }
    Ok(pairs)
}

/// A position in a comment line.
struct Scanner<'a> {
    line: &'a str,
    chars: Peekable<Chars<'a>>,
}

impl Scanner<'_> {
    /// Moves to the next character that is not blank; false at the end of the line.
    fn skip_blanks(&mut self) -> bool {
        while self.chars.next_if(char::is_ascii_whitespace).is_some() {}
        self.chars.peek().is_some()
    }

    /// A key, bare or in quotes.
    fn key(&mut self) -> Result<String, Fault> {
        let key = match self.chars.next_if(|c| matches!(c, '"' | '\'')) {
            Some(quote) => self.quoted(quote)?,
            None => self.bare(),
        };
        if key.is_empty() {
            return Err(Fault::new(
                "a key before `=` in the comment line",
                show(self.line),
            ));
        }
        Ok(key)
    }

    /// The value after a key; `T` if there is none.
    fn value(&mut self, key: &str) -> Result<String, Fault> {
        self.skip_blanks();
        if self.chars.next_if_eq(&'=').is_none() {
            return Ok("T".to_owned());
        }
        self.skip_blanks();
        match self.chars.peek() {
            Some(&quote @ ('"' | '\'')) => {
                self.chars.next();
                self.quoted(quote)
            }
            Some('{') => {
                let text = self.nested('{', '}')?;
                Ok(text[1..text.len() - 1].trim().to_owned())
            }
            Some('[') => self.nested('[', ']'),
            Some(_) => {
                let text = self.bare();
                if self.chars.peek() == Some(&'=') || text.is_empty() {
                    let expected =
                        format!("a value for the key `{key}`, in quotes if it holds `=`");
                    return Err(Fault::new(expected, show(self.line)));
                }
                Ok(text)
            }
            None => Err(Fault::new(
                format!("a value after `{key}=`"),
                "the end of the line",
            )),
        }
    }

    /// Everything up to a blank or `=`.
    fn bare(&mut self) -> String {
        let mut text = String::new();
        while let Some(c) = self
            .chars
            .next_if(|c| !c.is_ascii_whitespace() && *c != '=')
        {
            text.push(c);
        }
        text
    }

    /// Everything up to the closing quote, which is consumed. `\n` is a line break, `\` before anything else quotes it.
    fn quoted(&mut self, quote: char) -> Result<String, Fault> {
        let mut text = String::new();
        while let Some(c) = self.chars.next() {
            match c {
                c if c == quote => return Ok(text),
                '\\' => match self.chars.next() {
                    Some('n') => text.push('\n'),
                    Some(escaped) => text.push(escaped),
                    None => break,
                },
                c => text.push(c),
            }
        }
        Err(Fault::new(
            format!("a closing {quote} in the comment line"),
            show(self.line),
        ))
    }

    /// From an opening delimiter to the one that closes it, both included.
    fn nested(&mut self, open: char, close: char) -> Result<String, Fault> {
        let mut text = String::new();
        let mut depth = 0_usize;
        for c in self.chars.by_ref() {
            text.push(c);
            if c == open {
                depth += 1;
            } else if c == close {
                depth -= 1;
                if depth == 0 {
                    return Ok(text);
                }
            }
        }
        Err(Fault::new(
            format!("a closing {close} in the comment line"),
            show(self.line),
        ))
    }
}

/// A key or a value such that [`parse`] returns it unchanged.
///
/// Arrays in brackets are quoted too, since ASE 3.29 splits them at their blanks otherwise.
pub(super) fn quote(text: &str) -> String {
    let special = |c: char| {
        c.is_ascii_whitespace()
            || matches!(c, '=' | '"' | '\'' | '{' | '}' | '[' | ']' | ',' | '\\')
    };
    if !text.is_empty() && !text.contains(special) {
        return text.to_owned();
    }
    let escaped = text
        .replace('\\', "\\\\")
        .replace('"', "\\\"")
        .replace('\n', "\\n");
    format!("\"{escaped}\"")
}
