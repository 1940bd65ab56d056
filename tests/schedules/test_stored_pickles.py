"""Pickles of earlier releases are read: they name the modules that the classes were in then."""

from __future__ import annotations

import base64
import importlib
import pickle
import pickletools
import zlib
from random import Random
from typing import Any

import pytest
from reference import CLASSES, SCHEDULES

import lrdecay_native as lrd

OF_MODULES = (
    b"c-oCr%Wm5+5WMe~_+;oU`|Kh>dPs}5P>%vlF%k=jBt$BYetl<Y2|?VZi4V58;*4i!mfVdlAt|kUZfDgKzN9ri%!>?mCYRDqj&rA^"
    b"cy5gd`a$ibot*VLXzZh(VxAU9E+g5t=S7b}o3<r;{-tCfm(yKv1$}cR?K)Rc<K>{bWmM#9>i<C=7oJY|1EW6ig4}`n$a4fwnlMqC"
    b"Qlkwdh_M}&n2k1lJBt9?G^3kjpOSAbygn%BQO@Z$O%jxq>HfkLj7b=zo}4wxKzdrzO}Yo-?3<0GViMxDn0ZSbaa<ULW1<5!GD^qu"
    b"5m3>;XW(ax-5m@})-JOYZDtv_ndQ{~+a@;%uRMJ*>hvtx&8*nqCBv%-uc?{D({;DmfmN4K9c+MsYjfFgbI8fit{vtH@6AyZ#;CZN"
    b"NqVG`r?FQ&WK1>8O0`iIDlj`Tb^4*b7ne!OVRBYRx9+t8)vK3mc7o4-i%5ia6h1_Ccn{|}A7o*}pcwIAW4>x7)uZ<6#KSB&&wLxB"
    b"oad;Bb5x**vt3LlW(|}pVEb)O7+G%lm2dpEpdH*;2Mn9aC`f?3fWBk$p}<e0c8(J->Qzv2U_nO~R3>jFE;(nQ@uMZVGF`!C#-}Tf"
    b"-~!#C{p-NXay=6LOZ04O>-BHd^64#K274=a_R-))O?SSTY{xVh?l5a%`ehVzh5{zM>BTe&a#iwjT1NY*JWQ!l1`oO)F3V_K@gbAG"
    b"FB1Uy+GE8xNOieFs<#XZ;>-s95NF5>Y;d(1T(QAbG`NPrYmO<!FoUb(!GBOQrn=7Pmi^HtsM%RCK@Z9~H6sqHz~t53g75QpF0gIx"
    b">T*?4S5Q&cQ3b5L3aLJ>(VXGW6)DA7y7e|pNbLUr<Py-D"
)
"""A list with schedules of each module, as protocol 0 pickled it."""

DEEP = (
    b"c-n2#%TB^T6b4{G?%)L#ML@(mZdmvNZcI!>H?lTOp@W^Iv`sshuycbz(w*Z%-^91^Ib3;KAW{0yZoZz|G&wKv_n&wqI9|zcG}cvz"
    b"im3|z%$jajXWGDEuJrOs&$0T7D^x+(H~A<VUU4bh)>YS!UArF`g0}^;ul>)9Xl`=BRYNhD>X_VoQXHx!r#Dw$AO86qOE2582BxMu"
    b"oXSjFiIF7BXpUuvW7(?=4G>&tfZQE7smY)2dYW>-XV0XXxmlV^Bl?Xrq5?Cu&}fm!BE@f4S!&m{`nKiLqb!q}rrJ9138u}Tn_m1p"
    b"IcY_yeylU3PSK!}UiC++O<J+B)axN#ff|RJfSQDwf|`b!ftrPygPMoB3Uv+YI@ArQ1*n@)x1erAEkfOax(l@gbq{J8Y6WT)>ORyO"
    b")B~t>sE1IGpdLd#fqDw{4C*=5#y>54$y<xIf4+u(zy)nz!V)@jXchhKkEw!I@iItYBl#ekzks^uHU"
)
"""Schedules nested 42 deep, as protocol 4 pickled them."""


def stored(text: bytes) -> bytes:
    return zlib.decompress(base64.b85decode(text))


def named(pickled: bytes) -> set[str]:
    """The modules that a pickle names."""
    operations = pickletools.genops(pickled)
    texts = [str(argument) for operation, argument, _ in operations if isinstance(argument, str)]
    return {word for text in texts for word in text.split() if word.startswith("lrdecay_native")}


def test_of_each_module() -> None:
    pickled = stored(OF_MODULES)
    former = {"decays", "phases", "cycles", "tables", "compositions"}
    assert named(pickled) == {"lrdecay_native", *(f"lrdecay_native.{module}" for module in former)}
    assert pickle.loads(pickled) == [
        lrd.CosineDecay(0.1, 100, end_learning_rate=0.01).warmup(10, shape="cosine"),
        lrd.OneCycle(0.5, 100).then(lrd.PiecewiseConstant([3], [0.2, 0.1]), at=90),
        lrd.Cyclic(0.1, 0.5, 10, mode="triangular2").clipped(highest=0.4),
        lrd.Tabulated([0.1, 0.2], every=5) + lrd.Constant(0.5),
        lrd.step_decay,
    ]


def test_deep() -> None:
    """They name a function beside the classes."""
    pickled = stored(DEEP)
    assert "lrdecay_native.schedules" in named(pickled)
    schedule = lrd.LinearDecay(0.5, 100)
    for _ in range(40):
        schedule = schedule.shifted(1)
    assert pickle.loads(pickled) == schedule.then(lrd.MultiStepDecay(0.1, [5]), at=50)


@pytest.mark.parametrize("module", ["decays", "phases", "cycles", "tables", "compositions"])
def test_the_former_modules_have_all_their_classes(module: str) -> None:
    former = importlib.import_module(f"lrdecay_native.{module}")
    today = f"lrdecay_native.schedules.{module}"
    classes = {name: cls for name, cls in CLASSES.items() if f"{cls.__module__}.".startswith(f"{today}.")}
    assert classes
    assert {name: getattr(former, name) for name in classes} == classes


@pytest.mark.parametrize("name", SCHEDULES)
@pytest.mark.parametrize("deep", [False, True])
def test_todays_name_nothing_that_may_move(name: str, deep: bool, random: Random) -> None:
    schedule: Any = SCHEDULES[name].make(random)
    for _ in range(40 if deep else 0):
        schedule = schedule.shifted(1)
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        pickled = pickle.dumps(schedule, protocol)
        assert named(pickled) == {"lrdecay_native.schedules"}
        assert pickle.loads(pickled) == schedule
