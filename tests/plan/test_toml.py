"""Plans as text, and the settings of a command line."""

import tomllib

import pytest
from hypothesis import given
from hypothesis import settings as how
from plans import full_batch, head, scratch, unfrozen

from ravine.base.errors import PlanError
from ravine.data.preprocess import Preprocess
from ravine.data.split import SplitChoices
from ravine.models.mlp import MLP
from ravine.optim.adam import Adam
from ravine.optim.sam import SAM
from ravine.penalties.l2 import L2
from ravine.plan.plan import Plan
from ravine.plan.toml import dumps, from_tree, loads, merge, read_settings, to_tree, wishes
from ravine.schedules.cosine import Cosine

PLAN = Plan(
    model=MLP(width=8, depth=1),
    transfer="scratch",
    picture=Preprocess(size=8, channels=1),
    split=SplitChoices(),
    optimizer=Adam(lr=0.01),
    schedule=Cosine(),
    penalty=(L2(1e-3),),
    epochs=2,
    batch_size=4,
)


@how(max_examples=60)
@given(plan=scratch | full_batch | head | unfrozen)
def test_reading_is_the_inverse_of_writing(plan: Plan) -> None:
    text = dumps(plan)
    assert loads(text) == plan
    assert dumps(loads(text)) == text


def test_one_value_a_member_survives() -> None:
    plan = from_tree({**to_tree(PLAN), "members": 2, "optimizer": {"name": "adam", "lr": [0.1, 0.2]}})
    assert plan.optimizer == Adam(lr=(0.1, 0.2))
    assert loads(dumps(plan)) == plan


def test_no_penalty_is_not_a_missing_penalty() -> None:
    plan = from_tree({**to_tree(PLAN), "penalty": []})
    assert plan.penalty == ()
    assert loads(dumps(plan)).penalty == ()


def test_what_is_not_toml_is_an_error_that_names_the_file() -> None:
    with pytest.raises(PlanError, match=r"mine.toml is not TOML"):
        loads("model = ", "mine.toml")


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("optimizer=adam", "adam"),
        ("optimizer.lr = 0.5", 0.5),
        ("epochs=3", 3),
        ("refit=false", False),
        ("head.l2=[0.1, 0.2]", [0.1, 0.2]),
        ("model=timm:resnet18@a=b.pth", "timm:resnet18@a=b.pth"),
        ("model=", ""),
        ('model="mlp"', "mlp"),
        ("model.weights=C:\\weights.pth", "C:\\weights.pth"),
    ],
)
def test_settings_are_toml_or_bare_words(text: str, value: object) -> None:
    assert read_settings([text]) == {text.partition("=")[0].strip(): value}


@pytest.mark.parametrize("text", ["optimizer", "=adam", " = 3", ""])
def test_a_setting_without_a_name_or_a_value_is_an_error(text: str) -> None:
    with pytest.raises(PlanError, match="is not of the form name=value"):
        read_settings([text])


def test_wishes_nest_and_spell_out_names() -> None:
    settings = {"model": "timm:resnet18@random", "penalty": "none", "optimizer.lr": 0.1, "epochs": 3}
    assert wishes(settings) == {
        "model": {"name": "backbone", "timm": "resnet18", "weights": "random"},
        "penalty": [],
        "optimizer": {"lr": 0.1},
        "epochs": 3,
    }


def test_a_setting_changes_a_part_and_another_name_replaces_it() -> None:
    tree = to_tree(PLAN)
    changed = merge(dict(tree), wishes({"optimizer.beta1": 0.5, "penalty.strength": 0.25}))
    assert from_tree(changed).optimizer == Adam(lr=0.01, beta1=0.5)
    assert from_tree(changed).penalty == (L2(0.25),)
    replaced = from_tree(merge(dict(tree), wishes({"optimizer": "adamw"})))
    assert type(replaced.optimizer).__name__ == "AdamW"
    assert replaced.optimizer.lr == type(replaced.optimizer)().lr


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("optimiser=adam", "There is no setting 'optimiser'. Did you mean 'optimizer'?"),
        ("optimizer=addam", "There is no optimizer 'addam'. Did you mean 'adam'?"),
        ("schedule=cosin", "There is no schedule 'cosin'. Did you mean 'cosine'?"),
        ("penalty=l3", "There is no penalty 'l3'. Did you mean 'l"),
        ("model=small-cnn", "There is no model 'small-cnn'. Did you mean 'small_cnn'?"),
        ("optimizer.beta=0.9", "There is no setting 'optimizer.beta'. Did you mean 'optimizer.beta"),
        ("split.tst=0.2", "There is no setting 'split.tst'. Did you mean 'split.test'?"),
        ("picture.sice=8", "There is no setting 'picture.sice'. Did you mean 'picture.size'?"),
        ("select=acuracy", "select = 'acuracy' is not allowed. Choose one of 'nll', 'accuracy', 'macro_f1'"),
        ("epochs=0", "epochs = 0 is outside its range. Choose a number in [1, ∞)"),
        ("seed=-1", "seed = -1 is outside its range"),
        ("optimizer.lr=0", "optimizer.lr = 0.0 is outside its range. Choose a number in (0, ∞)"),
        (f"optimizer.lr=1{400 * '0'}", "optimizer.lr is a number of 401 digits"),
        ("threads=100000", "threads = 100000 is outside its range. Choose a number in [1, 1024]"),
        ("optimizer.lr=nan", "optimizer.lr = nan is outside its range"),
        ("optimizer.beta1=[0.9, 1.0]", "optimizer.beta1 = 1.0 is outside its range. Choose a number in [0, 1)"),
        ("split.test=1", "split.test = 1.0 is outside its range"),
        ("split.test=0.9", "leaves nothing for training"),
        ("epochs=2.5", "epochs = 2.5 is of the wrong kind: int is needed"),
        ("epochs=many", "epochs = 'many' is of the wrong kind: int is needed"),
        ("epochs=true", "epochs = True is of the wrong kind: int is needed"),
        ("optimizer.lr=fast", "optimizer.lr = 'fast' is of the wrong kind: float is needed"),
        ("optimizer.lr=true", "optimizer.lr = True is of the wrong kind: float is needed"),
        ("optimizer.bias_correction=1", "optimizer.bias_correction = 1 is of the wrong kind: bool is needed"),
        ("refit=yes", "refit = 'yes' is of the wrong kind: bool is needed"),
        ("split=3", "split = 3 must be a table"),
        ("model.name=3", "model = {'name': 3} must be a name"),
        ("model=3", "model = 3 must be a name"),
        ("optimizer=[1, 2]", "optimizer = [1, 2] must be a name"),
        ("picture.channels=2", "picture.channels = 2 is not allowed. Choose one of 1, 3"),
        ("picture.channels=3.0", "picture.channels = 3.0 is not allowed. Choose one of 1, 3"),
        ("picture.channels=true", "picture.channels = True is not allowed. Choose one of 1, 3"),
        ("transfer=[1]", "transfer = [1] is not allowed. Choose one of 'scratch', 'head'"),
        ("head.folds=3", "head has no effect with transfer=scratch"),
    ],
)
def test_what_cannot_be_says_what_can(setting: str, message: str) -> None:
    with pytest.raises(PlanError) as mistake:
        from_tree(merge(to_tree(PLAN), wishes(read_settings([setting]))))
    assert message in str(mistake.value)


def test_a_plan_that_lacks_something_names_it() -> None:
    tree = tomllib.loads(dumps(PLAN))
    del tree["model"], tree["split"]
    with pytest.raises(
        PlanError,
        match=r"plan lacks model. Add it, .* --set model=VALUE. Allowed: backbone, mlp, residual, small_cnn",
    ):
        from_tree(tree)


def test_the_order_of_settings_is_of_no_account() -> None:
    first = wishes({"optimizer.lr": 0.5, "optimizer": "adam"})
    assert first == wishes({"optimizer": "adam", "optimizer.lr": 0.5}) == {"optimizer": {"name": "adam", "lr": 0.5}}


def test_a_part_within_a_part() -> None:
    tree = merge(to_tree(PLAN), wishes({"optimizer": "sam", "optimizer.base": "adam", "optimizer.rho": 0.5}))
    plan = from_tree(tree)
    assert plan.optimizer == SAM(base=Adam(), rho=0.5)
    assert loads(dumps(plan)) == plan


def test_a_minimizer_cannot_stand_where_a_rule_is_needed() -> None:
    with pytest.raises(PlanError, match=r"optimizer.base = 'lbfgs' cannot stand here. Choose one of sgd, momentum"):
        wishes({"optimizer": "sam", "optimizer.base": "lbfgs"})
