//! flagd definitions, compiled and evaluated. Knows nothing about storage, HTTP or experiments' results.
