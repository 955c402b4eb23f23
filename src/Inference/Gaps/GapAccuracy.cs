namespace AsArm.Inference.Gaps;

/// <summary>Whether a filling is a sample of the distribution that was asked for, or of an approximation of it.</summary>
public enum GapAccuracy
{
    /// <summary>The model defines the distribution, and the filling is a sample of it, up to rounding.</summary>
    Exact,

    /// <summary>The distribution is an estimate, as that of a length, or the sampling is approximate.</summary>
    Estimate,
}
