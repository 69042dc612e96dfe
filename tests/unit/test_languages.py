"""Languages as rows state them, and the scripts they are written in."""

import pytest

from audiobench_pytest.languages import known_language, other_script, stated_language


@pytest.mark.parametrize(
    ("stated", "tag"), [("English", "en"), ("zh_cn", "zh-CN"), ("jpn", "ja"), ("", None), ("  ", None), (None, None)]
)
def test_what_a_row_states_is_a_tag_or_nothing(stated, tag):
    assert stated_language(stated) == tag
    assert tag is None or known_language(tag) == tag


@pytest.mark.parametrize("stated", ["Englsh", "xx", "und", "mul", "en,zh", "zh-en", "\ud83d", 3, True, ["en"], {}])
def test_what_is_no_language_is_an_error(stated):
    with pytest.raises(ValueError, match="language"):
        stated_language(stated)


@pytest.mark.parametrize(
    ("code", "text", "script"),
    [
        ("zh", "hello there", "Latin"),
        ("zh-CN", "\u4f60\u597d hello there", ""),
        ("en", "\u4f60\u597d\u4f60\u597d", "Han"),
        ("ta", "vanakkam nanba", "Latin"),
        ("bn", "\u09a8\u09ae\u09b8\u09cd\u0995\u09be\u09b0", ""),
        ("ka", "\u0433\u0440\u0443\u0437\u0438\u044f", "Cyrillic"),
        ("sr", "dobar dan", ""),
        ("zh-Latn", "ni hao shijie", ""),
        ("zh-Hant", "hello there", "Latin"),
        ("xx", "hello there", ""),
        ("ru", "OK", ""),
    ],
)
def test_a_text_in_another_script_than_its_language(code, text, script):
    assert other_script(code, text) == script
