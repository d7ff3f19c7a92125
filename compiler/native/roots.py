"""Square roots of float32 where they bound a loop: half of them by the divider, half by multiplications, so that both
work at once. Every one is correctly rounded, so which is which does not show.

The multiplications: AVX-512's estimate of 1 / sqrt(x) to 14 bits, one step of Newton's for the root and for the
inverse, and a last step from the exact remainder (Markstein, IBM Journal of Research and Development 34, 1990). Where
that would be subnormal, and for zero, infinity and what is below zero, the divider takes the vector.
"""
from __future__ import annotations

import re

# square roots in a loop's body that make the divider its bound, and vectors in flight that hide the longer way
SEVERAL, IN_FLIGHT = 4, 8
ROOT = r"(%[\w.]+) = (?:tail )?call (?:[a-z]+ )*<16 x float> @llvm\.sqrt\.v16f32\(<16 x float> (%[\w.]+)\)"
# of vectors that an instruction works on side by side, two
PAIR = re.compile(rf"{ROOT}\n +{ROOT}")
# in one function, else the divider's roots would be computed where they are used, next to what waits for them
SHARED = """
define internal {<16 x float>, <16 x float>} @roots(<16 x float> %x, <16 x float> %other) alwaysinline {
  %bits = bitcast <16 x float> %x to <16 x i32>
  %above = sub <16 x i32> %bits, splat (i32 260046848) ; 2**-96
  %outside = icmp uge <16 x i32> %above, splat (i32 1879048192) ; from infinity on
  %mask = bitcast <16 x i1> %outside to i16
  %any = icmp ne i16 %mask, 0
  br i1 %any, label %divider, label %multipliers, !prof !{!"branch_weights", i32 1, i32 2000}
divider:
  %x.root = call <16 x float> @llvm.sqrt.v16f32(<16 x float> %x)
  %other.slow = call <16 x float> @llvm.sqrt.v16f32(<16 x float> %other)
  br label %done
multipliers:
  %other.root = call <16 x float> @llvm.sqrt.v16f32(<16 x float> %other)
  %y = call <16 x float> @llvm.x86.avx512.rsqrt14.ps.512(<16 x float> %x, <16 x float> zeroinitializer, i16 -1)
  %y.bits = bitcast <16 x float> %y to <16 x i32>
  %half = sub <16 x i32> %y.bits, splat (i32 8388608) ; from its exponent
  %h0 = bitcast <16 x i32> %half to <16 x float>
  %g0 = fmul <16 x float> %x, %y
  %minus0 = fneg <16 x float> %g0
  %r = call <16 x float> @llvm.fma.v16f32(<16 x float> %minus0, <16 x float> %h0, <16 x float> splat (float 0.5))
  %g = call <16 x float> @llvm.fma.v16f32(<16 x float> %g0, <16 x float> %r, <16 x float> %g0)
  %h = call <16 x float> @llvm.fma.v16f32(<16 x float> %h0, <16 x float> %r, <16 x float> %h0)
  %minus = fneg <16 x float> %g
  %d = call <16 x float> @llvm.fma.v16f32(<16 x float> %minus, <16 x float> %g, <16 x float> %x)
  %z = call <16 x float> @llvm.fma.v16f32(<16 x float> %d, <16 x float> %h, <16 x float> %g)
  br label %done
done:
  %one = phi <16 x float> [ %x.root, %divider ], [ %z, %multipliers ]
  %two = phi <16 x float> [ %other.slow, %divider ], [ %other.root, %multipliers ]
  %first = insertvalue {<16 x float>, <16 x float>} poison, <16 x float> %one, 0
  %both = insertvalue {<16 x float>, <16 x float>} %first, <16 x float> %two, 1
  ret {<16 x float>, <16 x float>} %both
}
"""
TWO = "{<16 x float>, <16 x float>}"
DECLARED = {
    "rsqrt14": "declare <16 x float> @llvm.x86.avx512.rsqrt14.ps.512(<16 x float>, <16 x float>, i16)",
    "llvm.fma.v16f32": "declare <16 x float> @llvm.fma.v16f32(<16 x float>, <16 x float>, <16 x float>)",
}


def shared(text: str) -> str | None:
    """LLVM's text of a module with half of its square roots replaced, None where the divider keeps up.

    What one instruction leaves to the divider, the multipliers take at the next.
    """
    if len(re.findall(ROOT, text)) < SEVERAL * IN_FLIGHT:
        return None
    count = iter(range(len(text)))

    def replaced(found: re.Match[str]) -> str:
        k = next(count)
        one, x, two, y = found.groups()
        swap = k // (IN_FLIGHT // 2) % 2
        return f"""%pair.{k} = call {TWO} @roots(<16 x float> {y if swap else x}, <16 x float> {x if swap else y})
  {one} = extractvalue {TWO} %pair.{k}, {swap}
  {two} = extractvalue {TWO} %pair.{k}, {1 - swap}"""

    missing = [line for name, line in DECLARED.items() if name not in text]
    return "\n".join([PAIR.sub(replaced, text), SHARED, *missing])
