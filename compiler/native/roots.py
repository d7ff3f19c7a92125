"""Square roots of float32 where they bound a loop: half of them by the divider, half by multiplications, so that both
work at once. Every one is correctly rounded, so which is which does not show.

The multiplications: AVX-512's estimate of 1 / sqrt(x) to 14 bits, one step of Newton's for the root and for the
inverse, and a last step from the exact remainder (Markstein, IBM Journal of Research and Development 34, 1990). Tiny
numbers are scaled, else that remainder would be subnormal; zero and infinity are their own roots.
"""
from __future__ import annotations

import re

# square roots in a loop's body that make the divider its bound, and vectors in flight that hide the longer way
SEVERAL, IN_FLIGHT = 4, 8
ROOT = re.compile(r"(?:tail )?call (?:[a-z]+ )*<16 x float> @llvm\.sqrt\.v16f32\(([^)]*)\)")
BY_MULTIPLICATION = """
define internal <16 x float> @root(<16 x float> %x) alwaysinline {
  %tiny = fcmp olt <16 x float> %x, splat (float 0x39F0000000000000) ; 2**-96
  %up = fmul <16 x float> %x, splat (float 0x45F0000000000000)
  %s = select <16 x i1> %tiny, <16 x float> %up, <16 x float> %x
  %y = call <16 x float> @llvm.x86.avx512.rsqrt14.ps.512(<16 x float> %s, <16 x float> zeroinitializer, i16 -1)
  %g0 = fmul <16 x float> %s, %y
  %h0 = fmul <16 x float> %y, splat (float 5.000000e-01)
  %minus0 = fneg <16 x float> %g0
  %r = call <16 x float> @llvm.fma.v16f32(<16 x float> %minus0, <16 x float> %h0, <16 x float> splat (float 0.5))
  %g = call <16 x float> @llvm.fma.v16f32(<16 x float> %g0, <16 x float> %r, <16 x float> %g0)
  %h = call <16 x float> @llvm.fma.v16f32(<16 x float> %h0, <16 x float> %r, <16 x float> %h0)
  %minus = fneg <16 x float> %g
  %d = call <16 x float> @llvm.fma.v16f32(<16 x float> %minus, <16 x float> %g, <16 x float> %s)
  %z = call <16 x float> @llvm.fma.v16f32(<16 x float> %d, <16 x float> %h, <16 x float> %g)
  %down = fmul <16 x float> %z, splat (float 0x3CF0000000000000) ; 2**-48
  %w = select <16 x i1> %tiny, <16 x float> %down, <16 x float> %z
  %e = call <16 x float> @llvm.x86.avx512.mask.fixupimm.ps.512(
      <16 x float> %w, <16 x float> %x, <16 x i32> splat (i32 1048832), i32 0, i16 -1, i32 4)
  ret <16 x float> %e
}
"""
DECLARED = {
    "rsqrt14": "declare <16 x float> @llvm.x86.avx512.rsqrt14.ps.512(<16 x float>, <16 x float>, i16)",
    "fixupimm": "declare <16 x float> @llvm.x86.avx512.mask.fixupimm.ps.512("
                "<16 x float>, <16 x float>, <16 x i32>, i32, i16, i32)",
    "llvm.fma.v16f32": "declare <16 x float> @llvm.fma.v16f32(<16 x float>, <16 x float>, <16 x float>)",
}


def shared(text: str) -> str | None:
    """LLVM's text of a module with every other square root replaced, None where the divider keeps up.

    The order is Thue and Morse's: of the vectors that an instruction works on side by side one half goes each way, and
    the other halves at the next instruction.
    """
    if len(ROOT.findall(text)) < SEVERAL * IN_FLIGHT:
        return None
    count = iter(range(len(text)))

    def replaced(found: re.Match[str]) -> str:
        return f"call <16 x float> @root({found[1]})" if next(count).bit_count() % 2 else found[0]

    missing = [line for name, line in DECLARED.items() if name not in text]
    return "\n".join([ROOT.sub(replaced, text), BY_MULTIPLICATION, *missing])
