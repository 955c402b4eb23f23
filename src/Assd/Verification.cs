namespace AsArm.Assd;

/// <summary>How proposals are tested; both leave the law exact.</summary>
public enum Verification
{
    /// <summary>One after another, each with probability min(1, q/p) (Leviathan et al. 2023, arXiv 2211.17192).</summary>
    TokenWise,

    /// <summary>
    /// Together: the longest prefix that can be kept, which keeps as many or more on average (Sun et al. 2024, arXiv 2403.10444).
    /// Proposals behind the kept ones have been looked at and may never be used again.
    /// </summary>
    Block,
}
