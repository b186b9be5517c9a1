//! The kernels of copies with gather and scatter. Where nothing is scattered each element of the destination has one work item (`move_elements`).
//! Elements that are scattered may meet: each is chained to a list of those that go to the same point (`chain`), the lists are sorted (`order`),
//! and each point of the destination takes its own in Fortran order (`take`), so that the last stays, and sums are those of the host to the last bit.

use super::fold;
use super::KernelText;
use crate::region::{ElementType, Reduction};
use std::collections::HashMap;
use std::sync::OnceLock;

/// Work items of a block, which are the points of a row of numbers: of one size, since drivers for processors compile a kernel for each.
pub const BLOCK: [u32; 3] = [128, 1, 1];

/// What happens to an element.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Element {
    /// It is copied, as words of so many bytes.
    Words(usize),
    Folded(Reduction, ElementType),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Step {
    /// Sets a flag if a value names a point elsewhere.
    Check,
    Chain,
    Order,
    Move(Element),
    Take(Element),
}

impl Step {
    pub fn name(self) -> &'static str {
        match self {
            Self::Check => "check",
            Self::Chain => "chain",
            Self::Order => "order",
            Self::Move(_) => "move_elements",
            Self::Take(_) => "take",
        }
    }

    fn text(self) -> String {
        let element = match self {
            Self::Check => return [COMMON, CHECK].concat(),
            Self::Chain => return [COMMON, CHAIN].concat(),
            Self::Order => return ORDER.into(),
            Self::Move(element) | Self::Take(element) => element.text(),
        };
        [COMMON, &element, if matches!(self, Self::Move(_)) { MOVE } else { TAKE }].concat()
    }
}

impl Element {
    /// The type `element`, of which a field's has `how.words`, and what becomes of one.
    fn text(self) -> String {
        match self {
            Self::Folded(op, element) => fold::operator(op, element) + "#define PUT(to, from) (to) = folded(to, from)\n",
            Self::Words(bytes) => {
                let word = match bytes {
                    8 => "long",
                    4 => "int",
                    2 => "short",
                    _ => "char",
                };
                format!("typedef {word} element;\n#define PUT(to, from) (to) = (from)\n")
            }
        }
    }
}

/// A point of a side is its own where no field names it (`dim` is 0), or what the value there says in `dim` integers of 4 or 8 bytes.
const COMMON: &str = "\
typedef struct { cohort_extent at; long gather_dim, gather_bytes, scatter_dim, scatter_bytes, words, fields; } indirection;
typedef struct { long x, y, z; } place;

COHORT_FUNCTION place named(COHORT_GLOBAL const int *values, cohort_extent of, long dim, long bytes, place own)
{
  place p = own;
  if (dim > 0) {
    const long first = COHORT_ELEMENT(of, own.x, own.y, own.z) * dim;
    if (bytes == 4) {
      p.x = values[first];
      p.y = dim > 1 ? values[first + 1] : 0;
      p.z = dim > 2 ? values[first + 2] : 0;
    } else {
      COHORT_GLOBAL const long *wide = (COHORT_GLOBAL const long *)values;
      p.x = wide[first];
      p.y = dim > 1 ? wide[first + 1] : 0;
      p.z = dim > 2 ? wide[first + 2] : 0;
    }
  }
  return p;
}

#define COUNT(extent, d) ((extent).hi[d] - (extent).lo[d] + 1)

COHORT_FUNCTION place numbered(cohort_extent all, long number)
{
  const long rest = number / COUNT(all, 0);
  const place p = {all.lo[0] + number % COUNT(all, 0), all.lo[1] + rest % COUNT(all, 1), all.lo[2] + rest / COUNT(all, 1)};
  return p;
}

/* Begins a kernel that has a work item for each point, by their numbers in Fortran order. */
#define BEGIN(extent, number, own) \\
  const long number = COHORT_INDEX(0); \\
  if (number >= COUNT(extent, 0) * COUNT(extent, 1) * COUNT(extent, 2)) return; \\
  const place own = numbered(extent, number);
#define IS_IN(extent, p) COHORT_INSIDE(extent, (p).x, (p).y, (p).z)
#define WORDS_OF(extent, f, p) ((COHORT_ELEMENT(extent, (p).x, (p).y, (p).z) + (f) * (extent).field) * how.words)
#define NUMBER(extent, p) \\
  ((p).x - (extent).lo[0] + COUNT(extent, 0) * ((p).y - (extent).lo[1] + COUNT(extent, 1) * ((p).z - (extent).lo[2])))
#define GATHERED(own) named(gather, of_gather, how.gather_dim, how.gather_bytes, own)
#define SCATTERED(own) named(scatter, of_scatter, how.scatter_dim, how.scatter_bytes, own)
#define VALUES(name) COHORT_GLOBAL const int *name, cohort_extent of_##name
";

const CHECK: &str = "
COHORT_KERNEL void check(VALUES(gather), VALUES(scatter), cohort_extent of_from, cohort_extent of_to, indirection how, COHORT_GLOBAL int *astray)
{
  BEGIN(how.at, number, own)
  const place source = GATHERED(own), destination = SCATTERED(own);
  if (!IS_IN(of_from, source) || !IS_IN(of_to, destination)) *astray = 1;
}
";

/// Numbers of points are one more than that, so that 0 ends a list.
const CHAIN: &str = "
#ifdef __OPENCL_VERSION__
#define EXCHANGE(at, value) atomic_xchg((volatile COHORT_GLOBAL int *)(at), value)
#else
#define EXCHANGE(at, value) atomicExch(at, value)
#endif
COHORT_KERNEL void chain(VALUES(gather), VALUES(scatter), cohort_extent of_from, cohort_extent of_to, indirection how,
                         COHORT_GLOBAL int *first, COHORT_GLOBAL int *next)
{
  BEGIN(how.at, number, own)
  const place source = GATHERED(own), destination = SCATTERED(own);
  if (IS_IN(of_from, source) && IS_IN(of_to, destination)) {
    next[number] = EXCHANGE(first + NUMBER(of_to, destination), (int)number + 1);
  }
}
";

/// Merges runs of 1, 2, 4 and so on, until one is left.
const ORDER: &str = "
COHORT_KERNEL void order(long lists, COHORT_GLOBAL int *first, COHORT_GLOBAL int *next)
{
  const long at = COHORT_INDEX(0);
  if (at >= lists) return;
  int head = first[at], runs, width = 1;
  do {
    int left = head, last = 0;
    runs = 0;
    head = 0;
    while (left != 0) {
      int right = left, of_left = 0, of_right = width;
      while (of_left < width && right != 0) {
        right = next[right - 1];
        of_left++;
      }
      while (of_left > 0 || (of_right > 0 && right != 0)) {
        int taken;
        if (of_left == 0 || (of_right > 0 && right != 0 && right < left)) {
          taken = right;
          right = next[right - 1];
          of_right--;
        } else {
          taken = left;
          left = next[left - 1];
          of_left--;
        }
        if (last != 0) next[last - 1] = taken; else head = taken;
        last = taken;
      }
      left = right;
      runs++;
    }
    if (last != 0) next[last - 1] = 0;
    width *= 2;
  } while (runs > 1);
  first[at] = head;
}
";

const MOVE: &str = "
COHORT_KERNEL void move_elements(VALUES(gather), COHORT_GLOBAL const element *from, cohort_extent of_from, COHORT_GLOBAL element *to,
                                 cohort_extent of_to, indirection how)
{
  BEGIN(how.at, number, own)
  const place source = GATHERED(own);
  if (!IS_IN(of_from, source)) return;
  for (long f = 0; f < how.fields; f++) {
    const long target = WORDS_OF(of_to, f, own), start = WORDS_OF(of_from, f, source);
    for (long w = 0; w < how.words; w++) PUT(to[target + w], from[start + w]);
  }
}
";

const TAKE: &str = "
COHORT_KERNEL void take(VALUES(gather), COHORT_GLOBAL const element *from, cohort_extent of_from, COHORT_GLOBAL element *to,
                        cohort_extent of_to, indirection how, COHORT_GLOBAL const int *first, COHORT_GLOBAL const int *next)
{
  BEGIN(of_to, number, destination)
  for (int n = first[number]; n != 0; n = next[n - 1]) {
    const place own = numbered(how.at, n - 1), source = GATHERED(own);
    for (long f = 0; f < how.fields; f++) {
      const long target = WORDS_OF(of_to, f, destination), start = WORDS_OF(of_from, f, source);
      for (long w = 0; w < how.words; w++) PUT(to[target + w], from[start + w]);
    }
  }
}
";

/// As a kernel of the program's, which stays.
pub fn kernel(step: Step) -> &'static KernelText {
    static ALL: OnceLock<HashMap<Step, KernelText>> = OnceLock::new();
    let made = |step: Step| (step, KernelText::own(step.text(), "indirect", step.name()));
    &ALL.get_or_init(|| all().map(made).collect())[&step]
}

fn all() -> impl Iterator<Item = Step> {
    let elements = [8, 4, 2, 1].map(Element::Words).into_iter().chain(fold::all().map(|(op, element)| Element::Folded(op, element)));
    let of_elements = elements.flat_map(|element| [Step::Move(element), Step::Take(element)]);
    [Step::Check, Step::Chain, Step::Order].into_iter().chain(of_elements)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::device::{Nvrtc, Source};

    #[test]
    #[ignore = "needs NVRTC, which tests/kernel/run.sh brings"]
    fn cuda_compiles_the_kernels_of_copies() {
        let path = std::env::var_os("COHORT_NVRTC").expect("COHORT_NVRTC names libnvrtc.so; tests/kernel/run.sh sets it");
        let nvrtc = Nvrtc::load(Some(path.as_ref())).unwrap();
        let is_fold = |step: Step| matches!(step, Step::Move(Element::Folded(..)) | Step::Take(Element::Folded(..)));
        let each = all().flat_map(|step| ["compute_70", "compute_80", "compute_90"].map(|architecture| (step, architecture)));
        // Folds differ from copies by their operators only: one device is enough for so many.
        for (step, architecture) in each.filter(|&(step, architecture)| !is_fold(step) || architecture == "compute_80") {
            let source = Source { text: step.text(), file: "indirect".into(), options: String::new() };
            let ptx = String::from_utf8(nvrtc.compile(&source, architecture).unwrap()).unwrap();
            // Nothing is joined.
            assert!(ptx.contains(&format!(".entry {}(", step.name())) && !ptx.contains("fma.rn"), "{step:?}: {ptx}");
        }
    }
}
