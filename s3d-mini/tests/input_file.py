"""Input files of the mini-app with some settings changed."""
import re

INITIAL = {"temperature", "pressure", "phi", "hot_temperature", "hot_radius", "velocity", "amplitude", "turbulence", "shift",
           "direction", "fuel"}
# One value in quotes, or a list that ends where the next setting or the namelist's end begins.
VALUE = r"('[^']*'|[^,=/\n']+(?:,(?!\s*\w+\s*=)[^,=/\n']+)*)"


def setting_pattern(name):
    return re.compile(rf"(?<![\w%]){name}\s*=\s*{VALUE}", re.IGNORECASE)


def setting(text, name, default):
    """The value of a setting as it stands, without quotes."""
    found = setting_pattern(name).search(text)
    return found.group(1).strip().strip("'") if found else default


def change(text, name, value):
    """The text with one setting changed; a setting that is not there joins its namelist."""
    without_comments = "\n".join(line.split("!")[0] for line in text.splitlines()) + "\n"
    changed, count = setting_pattern(name).subn(lambda _: f"{name} = {value}", without_comments)
    if count == 0:
        group = "&initial" if name in INITIAL else "&run"
        changed = without_comments.replace(group, f"{group}\n  {name} = {value},", 1)
    return changed


def prepared(path, folder, changes):
    """The text of an input file of the mini-app, its mechanism found from anywhere and its output in `folder`, with `changes`."""
    text = path.read_text()
    mechanism = path.resolve().parents[1] / "mechanisms" / setting(text, "mechanism", "h2o2").split("/")[-1]
    for name, value in {"mechanism": f"'{mechanism}'", "output": f"'{folder}'", **changes}.items():
        text = change(text, name, value)
    return text
