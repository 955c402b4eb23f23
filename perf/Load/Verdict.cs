namespace AsArm.Perf.Load;

/// <summary>What is said of an answer.</summary>
internal enum Verdict
{
    /// <summary>It is the one that its request has alone.</summary>
    Right,

    /// <summary>It is another one.</summary>
    Wrong,

    /// <summary>It is the one of another request.</summary>
    OfAnotherRequest,
}
