"""The one error of this room, and the sentences that decoders' failures become."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

from PIL import UnidentifiedImageError

from maskgui.core.errors import UserError


class ImageError(UserError):
    """An image that cannot be opened: `path`, and `reason` without the path for lists."""

    def __init__(self, path: Path | str, reason: str) -> None:
        super().__init__(f"{path} cannot be opened: {reason}.")
        self.path = Path(path)
        self.reason = reason


@contextlib.contextmanager
def reasons(path: Path) -> Iterator[None]:
    """Turn whatever reading `path` raises into an ImageError that says why.

    Decoders answer broken files with nearly every built-in exception, so all of them are
    taken here, once; the original stays as the cause for the log.
    """
    try:
        yield
    except ImageError:
        raise
    except FileNotFoundError as error:
        raise ImageError(path, "there is no such file; locate its folder again") from error
    except IsADirectoryError as error:
        raise ImageError(path, "it is a folder; open the folder instead") from error
    except PermissionError as error:
        raise ImageError(path, "you may not read it; change its permissions") from error
    except UnidentifiedImageError as error:
        raise ImageError(
            path, "it is not an image of a known format; convert it to PNG, JPEG or TIFF"
        ) from error
    except MemoryError as error:
        raise ImageError(
            path, "there is not enough memory to decode it; close other programs or scale it down"
        ) from error
    except Exception as error:
        detail = " ".join(str(error).split()) or type(error).__name__
        raise ImageError(
            path, f"the file is damaged or cut short ({detail[:160]}); copy it again"
        ) from error
