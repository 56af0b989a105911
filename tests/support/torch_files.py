"""Writes what torch.save writes, without torch: both of its formats, right or wrong."""

import io
import pickle
import zipfile


class Global:
    """Pickled as the function of that name in that module, wherever it is."""

    def __init__(self, name):
        self.name = name


class Storage:
    def __init__(self, key, count, kind="FloatStorage"):
        self.key, self.count, self.kind = key, count, kind


class Tensor:
    def __init__(self, *arguments):
        self.arguments = arguments

    def __reduce__(self):
        return Global("torch._utils _rebuild_tensor_v2"), self.arguments


class Writer(pickle._Pickler):
    """Writes what torch writes, without torch."""

    def persistent_id(self, value):
        if isinstance(value, Storage):
            return ("storage", Global(f"torch {value.kind}"), value.key, "cpu", value.count)
        return None

    def save(self, value, save_persistent_id=True):
        if isinstance(value, Global):
            module, name = value.name.split()
            self.write(pickle.GLOBAL + f"{module}\n{name}\n".encode())
        else:
            super().save(value, save_persistent_id)

    def save_reduce(self, func, args, *rest, **options):
        if isinstance(func, Global):
            self.save(func)
            self.save(args)
            self.write(pickle.REDUCE)
        else:
            super().save_reduce(func, args, *rest, **options)


def described(state):
    buffer = io.BytesIO()
    Writer(buffer, 2).dump(state)
    return buffer.getvalue()


def as_zip(path, state, numbers=b""):
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("archive/data.pkl", described(state))
        archive.writestr("archive/data/0", numbers)
    return path


def as_old(path, state, numbers=b""):
    system = dict(protocol_version=1001, little_endian=True, type_sizes={})
    first = [pickle.dumps(v, 2) for v in (0x1950A86A20F9469CFC6C, 1001, system)]
    keys = pickle.dumps(["0"] if numbers else [], 2)
    last = [(len(numbers) // 4).to_bytes(8, "little"), numbers] if numbers else []
    path.write_bytes(b"".join([*first, described(state), keys, *last]))
    return path
