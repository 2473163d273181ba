//! Watching a run without a second algorithm: the evaluator tells a visitor what it does. The empty visitor compiles to nothing.

use crate::expression::Expression;
use crate::value::Value;

/// Sees each expression as it is begun and as it is done.
pub(crate) trait Visitor {
    /// Whether it looks at all: who watches is shown every step, also where there is a shorter way.
    const WATCHES: bool;

    /// `expression` is about to be evaluated.
    fn enter(&mut self, expression: &Expression);

    /// `expression` has this value. Not called when the run is cut short inside it.
    fn leave(&mut self, expression: &Expression, value: Value<'_>);
}

/// Sees nothing, costs nothing.
impl Visitor for () {
    const WATCHES: bool = false;

    #[inline]
    fn enter(&mut self, _: &Expression) {}

    #[inline]
    fn leave(&mut self, _: &Expression, _: Value<'_>) {}
}
