//! Kernel sources.

use super::{DeviceInfo, KERNEL_HEADER};

/// A text to compile.
#[derive(Clone, Debug)]
pub struct Source {
    /// CUDA C, OpenCL C or PTX; the kernel header is put before it, except before PTX.
    pub text: String,
    /// For the compiler's messages.
    pub file: String,
    /// Passed to the compiler, separated by blanks.
    pub options: String,
}

impl Source {
    /// What a compiled form depends on.
    pub(super) fn key(&self, info: &DeviceInfo) -> Vec<u8> {
        let parts = [info.api.name(), &info.name, &info.driver, &self.options, &self.file, KERNEL_HEADER, &self.text];
        parts.join("\0").into_bytes()
    }

    /// Messages count the text's own lines.
    pub(super) fn with_header(&self) -> String {
        format!("{KERNEL_HEADER}\n#line 1 \"{}\"\n{}", self.file.replace(['"', '\\'], "_"), self.text)
    }

    /// PTX begins with its version and names its target (PTX ISA, "Directives").
    pub(super) fn is_ptx(&self) -> bool {
        let begins = |word: &str| self.text.lines().any(|line| line.trim_start().starts_with(word));
        begins(".version ") && begins(".target ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(text: &str) -> Source {
        Source { text: text.into(), file: "a \"quoted\" name.c".into(), options: String::new() }
    }

    #[test]
    fn ptx_is_told_from_source() {
        assert!(source("//\n// Generated\n//\n.version 8.0\n.target sm_80\n.address_size 64\n").is_ptx());
        assert!(!source("COHORT_KERNEL void f(COHORT_GLOBAL double *x) { x[0] = 0.8; } // .version .target").is_ptx());
    }

    #[test]
    fn lines_are_counted_from_the_texts_first() {
        assert!(source("first").with_header().ends_with("#line 1 \"a _quoted_ name.c\"\nfirst"));
    }
}
