"""A Hydra program, whose value is what its task returns."""

import hydra
from omegaconf import DictConfig, OmegaConf


@hydra.main(config_path="conf", config_name="config", version_base=None)
def main(cfg: DictConfig) -> float:
    assert cfg.model.width == 4 and cfg["model"]["name"] == "line" and cfg.model.title == "line of 4"
    assert "width" in OmegaConf.to_yaml(cfg)
    return cfg.x * 10 / 3


if __name__ == "__main__":
    main()
