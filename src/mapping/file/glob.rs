//! Patterns of names, as shells have them: `*` stands for any letters, `?` for one.

/// Linear in both lengths but for what the last `*` tries again, as in R. Cox, "Glob Matching Can Be Simple And Fast Too" (2017).
pub fn matches(pattern: &str, name: &str) -> bool {
    let (pattern, name): (Vec<char>, Vec<char>) = (pattern.chars().collect(), name.chars().collect());
    let (mut p, mut n) = (0, 0);
    // Where the last `*` stands, and how much of the name it has taken.
    let mut star: Option<(usize, usize)> = None;
    while n < name.len() {
        match pattern.get(p) {
            Some('*') => {
                star = Some((p, n));
                p += 1;
            }
            Some(&c) if c == '?' || c == name[n] => {
                p += 1;
                n += 1;
            }
            _ => match star {
                Some((at, taken)) => {
                    star = Some((at, taken + 1));
                    (p, n) = (at + 1, taken + 1);
                }
                None => return false,
            },
        }
    }
    pattern[p..].iter().all(|&c| c == '*')
}

#[cfg(test)]
mod tests {
    use super::matches;
    use proptest::prelude::*;

    #[test]
    fn patterns_match_as_in_a_shell() {
        for (pattern, name) in [("*", ""), ("*", "x"), ("flux", "flux"), ("f?ux", "flux"), ("*x", "flux"), ("f*x*", "fluxes"), ("", "")] {
            assert!(matches(pattern, name), "{pattern} {name}");
        }
        for (pattern, name) in [("", "x"), ("?", ""), ("flux", "fluxes"), ("*x", "fluxes"), ("f?x", "flux"), ("a*b*c", "abb")] {
            assert!(!matches(pattern, name), "{pattern} {name}");
        }
    }

    fn simply(pattern: &[u8], name: &[u8]) -> bool {
        match pattern.split_first() {
            None => name.is_empty(),
            Some((b'*', rest)) => (0..=name.len()).any(|n| simply(rest, &name[n..])),
            Some((&c, rest)) => name.split_first().is_some_and(|(&first, after)| (c == b'?' || c == first) && simply(rest, after)),
        }
    }

    proptest! {
        #[test]
        fn a_simple_matcher_agrees(pattern in "[ab*?]{0,8}", name in "[ab]{0,8}") {
            prop_assert_eq!(matches(&pattern, &name), simply(pattern.as_bytes(), name.as_bytes()));
        }
    }
}
