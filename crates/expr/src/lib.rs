//! The expression language: text to tree to text, and evaluation.
