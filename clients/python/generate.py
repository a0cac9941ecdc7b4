"""Writes the generated part of the package: `python generate.py`.

The messages and stubs of proto/, a module that exports all of them, the retry policy, the version
and the licences. All of it is ignored by git, and part of the wheel and of the sdist. The build of
a package runs this by itself.
"""

from __future__ import annotations

import re
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hatchling.metadata.plugin.interface import MetadataHookInterface

if TYPE_CHECKING:
    from google.protobuf.descriptor_pb2 import FileDescriptorProto

HERE = Path(__file__).parent
PACKAGE = HERE / "src" / "mailinggroups"
REPOSITORY = HERE.parent.parent
PROTO = REPOSITORY / "proto"
SERVICE_CONFIG = REPOSITORY / "clients" / "service_config.json"
IN_REPOSITORY = SERVICE_CONFIG.is_file()


def version() -> str:
    """The version of the service. An sdist has no Cargo.toml: it brings the generated file."""
    if IN_REPOSITORY:
        source = (REPOSITORY / "Cargo.toml").read_text("utf-8").partition("[package]")[2]
    else:
        source = (PACKAGE / "_version.py").read_text("utf-8")
    found = re.search(r'^(?:version|VERSION) = "(.+)"$', source, re.MULTILINE)
    assert found, "no version"
    return found[1]


def generate() -> None:
    """Generates, where the contract is. An sdist has the result already."""
    if not IN_REPOSITORY:
        return
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder)
        files = compile_protos(out)
        modules = out / "mailinggroups" / "v1"
        for file in files:
            if not file.service:
                # Stubs of nothing.
                for empty in modules.glob(Path(file.name).stem + "_pb2_grpc.*"):
                    empty.unlink()
        (modules / "__init__.py").write_text("".join(exports(files)), "utf-8")
        shutil.rmtree(PACKAGE / "v1", ignore_errors=True)
        shutil.copytree(modules, PACKAGE / "v1")
    shutil.copy(SERVICE_CONFIG, PACKAGE)
    (PACKAGE / "_version.py").write_text(f'VERSION = "{version()}"\n', "utf-8")
    for licence in REPOSITORY.glob("LICENSE-*"):
        shutil.copy(licence, HERE)


def compile_protos(out: Path) -> list[FileDescriptorProto]:
    """Generates modules and their types, and returns what they are made of."""
    from google.protobuf.descriptor_pb2 import FileDescriptorSet
    from grpc_tools import protoc

    names = sorted(str(path.relative_to(PROTO)) for path in PROTO.rglob("*.proto"))
    well_known = Path(protoc.__file__).parent / "_proto"
    descriptors = out / "descriptors"
    status = protoc.main(
        [
            "protoc",
            f"--proto_path={PROTO}",
            f"--proto_path={well_known}",
            f"--python_out={out}",
            f"--grpc_python_out={out}",
            f"--mypy_out=quiet:{out}",
            f"--mypy_grpc_out=quiet:{out}",
            f"--descriptor_set_out={descriptors}",
            *names,
        ]
    )
    if status != 0:
        sys.exit("protoc failed")
    return list(FileDescriptorSet.FromString(descriptors.read_bytes()).file)


def exports(files: list[FileDescriptorProto]) -> Iterator[str]:
    """The lines of a module that exports everything, so that no one has to know which message is in
    which file."""
    yield '"""All messages, enums, stubs and servicers of the contract."""\n\n'
    for file in files:
        module = "mailinggroups.v1." + Path(file.name).stem
        names = [message.name for message in file.message_type]
        names += [extension.name for extension in file.extension]
        for enum in file.enum_type:
            names += [enum.name, *(value.name for value in enum.value)]
        yield from imports(f"{module}_pb2", names)
        stubs = [service.name + "Stub" for service in file.service]
        servicers = [service.name + "Servicer" for service in file.service]
        yield from imports(f"{module}_pb2_grpc", stubs + servicers)


def imports(module: str, names: list[str]) -> Iterator[str]:
    """An import that type checkers take for an export."""
    if names:
        lines = "".join(f"    {name} as {name},\n" for name in sorted(names))
        yield f"from {module} import (\n{lines})\n"


class GenerateHook(MetadataHookInterface):
    """Generates before a package is built, and before its licences are looked for."""

    def update(self, metadata: dict[str, Any]) -> None:  # noqa: ARG002
        """Generates."""
        generate()


if __name__ == "__main__":
    generate()
