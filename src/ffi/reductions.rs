//! Reductions of the program's own, beside the sums, products, minima and maxima that the library has.

use super::convert::{given, out, slice, text, UserPointer};
use super::guard;
use super::types::*;
use crate::fail;
use crate::region::{register_operator, Fold};
use crate::runtime;
use std::ffi::{c_char, c_void};

/// Registers a way to combine elements of `element_bytes` bytes: `fold(into, from, count, user)` makes of each of `count`
/// elements that lie side by side at `into` its combination with the one at `from`. It has to be associative and commutative,
/// and is called on any thread, several at a time. `identity` (copied) is the element that changes nothing when it is folded
/// in. The number serves wherever COHORT_SUM does, with COHORT_TYPE_NONE as the type: in requirements on fields of elements of that
/// size, for the results of index launches, and, with at most 16 bytes, in dynamic collectives, which know it by its `name`
/// (copied; each once, and the same on all ranks). `user` is handed to every call and stays the caller's. It ends with the
/// runtime. Any thread. Errors: INVALID_ARGUMENT (no function, no bytes, a name given already), RESOURCES (4096 are there).
#[no_mangle]
pub unsafe extern "C" fn cohort_reduction_register(
    runtime: cohort_runtime_t,
    name: *const c_char,
    element_bytes: usize,
    identity: *const c_void,
    fold: cohort_fold_function_t,
    user: *mut c_void,
    reduction: *mut cohort_reduction_t,
) -> cohort_status_t {
    guard("cohort_reduction_register", || {
        runtime::of(runtime.id)?;
        let out = out(reduction)?;
        let Some(name) = text(name, "name")? else { fail!(InvalidArgument, "name is null; give the reduction a name, ranks tell it by that") };
        let Some(function) = fold else { fail!(InvalidArgument, "fold is null; pass the address of a function") };
        if element_bytes != 0 {
            given(identity.cast::<u8>(), "identity")?;
        }
        let user = UserPointer::new(user);
        let fold: Fold = Box::new(move |into, from, count| unsafe { function(into.cast(), from.cast(), count, user.get()) });
        *out = register_operator(name, slice(identity.cast(), element_bytes, "identity")?, fold)?;
        Ok(())
    })
}
