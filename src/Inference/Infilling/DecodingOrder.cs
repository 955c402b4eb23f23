namespace AsArm.Inference.Infilling;

/// <summary>The order of the unknown tokens, given tokens always first.</summary>
public enum DecodingOrder
{
    /// <summary>The lattice order, which checkpoints are trained for.</summary>
    LeftToRight,

    /// <summary>From the last unknown token to the first.</summary>
    RightToLeft,

    /// <summary>A random permutation that follows from the seed.</summary>
    Random,
}
