namespace AsArm.Assd.Samplers.Fused;

/// <summary>How draft tokens are tested; both leave the distribution exact.</summary>
public enum VerificationMethod
{
    /// <summary>One after another, each with probability min(1, q/p) (Leviathan et al. 2023, arXiv 2211.17192).</summary>
    TokenWise,

    /// <summary>
    /// Together: the longest prefix that can be kept, which keeps as many or more on average (Sun et al. 2024, arXiv 2403.10444).
    /// Draft tokens behind the kept ones have been looked at and may never be used again.
    /// </summary>
    Block,
}
