//! What the tests share: a server of their own, and requests to it.
