namespace AsArm.Inference.Infilling;

/// <summary>The order in which targets are decoded. Given tokens always come first.</summary>
public enum DecodingOrder
{
    /// <summary>Targets from left to right: the lattice order, which networks are trained for.</summary>
    LeftToRight,

    /// <summary>Targets from right to left.</summary>
    RightToLeft,

    /// <summary>A random permutation, determined by the seed.</summary>
    Random,
}
