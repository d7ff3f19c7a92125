"""From LLVM IR to machine code in this process, by way of an object file that can be kept."""
from __future__ import annotations

import platform
from functools import cache
from typing import Any

from llvmlite import binding, ir

from .processor import isa


def host() -> tuple[str, str]:
    """LLVM's name of this processor, and its features. AMD's gathers take longer than a load for each element."""
    cpu, features = binding.get_host_cpu_name(), binding.get_host_cpu_features().flatten()
    return cpu, features + ",+prefer-no-gather" * (cpu.startswith("znver") and binding.llvm_version_info >= (18,))


@cache
def target() -> Any:
    """This processor as LLVM's target, all its instructions allowed."""
    binding.initialize_native_target()
    binding.initialize_native_asmprinter()
    x86 = platform.machine().lower() in ("x86_64", "amd64", "i386", "i686")
    cpu, features = host()
    return binding.Target.from_default_triple().create_target_machine(
        cpu=cpu, features=features, opt=3, reloc="static" if x86 else "default", codemodel="jitdefault", jit=True)


@cache
def _engine() -> Any:
    """What the object files of the process are linked into."""
    return binding.create_mcjit_compiler(binding.parse_assembly(""), target())


def optimised(module: ir.Module) -> Any:
    """A module as LLVM has optimised it for this processor."""
    from . import ahead, instructions, roots  # by way of Numba, which running does without

    machine = target()
    module.triple, module.data_layout = machine.triple, str(machine.target_data)
    compiled = binding.parse_assembly(str(module))
    compiled.verify()
    tuning = binding.create_pipeline_tuning_options(speed_level=3)
    tuning.loop_vectorization, tuning.slp_vectorization = True, False
    builder = binding.create_pass_builder(machine, tuning)
    builder.getModulePassManager().run(compiled, builder)
    for expanded in (ahead.fetched, *((instructions.with_bodies, roots.shared) if isa().vector_bytes == 64 else ())):
        if text := expanded(str(compiled)):
            compiled = binding.parse_assembly(text)
            inlining = binding.create_new_module_pass_manager()
            inlining.add_always_inliner_pass()
            inlining.run(compiled, builder)
    return compiled


def assemble(module: ir.Module) -> bytes:
    """The object file of a module, optimised."""
    return target().emit_object(optimised(module))


def define(name: str, address: int) -> None:
    """Let object files refer by name to what is at an address of this process."""
    binding.add_symbol(name, address)


def link(code: bytes, name: str) -> int:
    """The address in this process of a function in an object file. Raises RuntimeError for what is no object file."""
    engine = _engine()
    engine.add_object_file(binding.ObjectFileRef.from_data(code))
    engine.finalize_object()
    return engine.get_function_address(name)
