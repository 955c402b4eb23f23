namespace AsArm.Assd.Tests.Constraints;

/// <summary>Constraints on four targets over three tokens, of the kinds that texts have.</summary>
internal static class ConstraintCases
{
    public const int Vocabulary = 3;
    public const int Targets = 4;

    /// <summary>By name.</summary>
    public static readonly IReadOnlyDictionary<string, TestConstraint> All = new Dictionary<string, TestConstraint>
    {
        ["no 1 after 0"] = New(targets => targets is [.., 0] ? [0, 2] : null), // a pattern
        ["last two the same as the first two"] = New(targets => targets.Length < 2 ? null : [targets[targets.Length - 2]]), // two gaps with the same filling
        ["ends with 2, begins with 0 or 1"] = New(targets => targets.Length switch { 0 => [0, 1], 3 => [2], _ => null }),
        ["sum is 3"] = New(targets => [.. Enumerable.Range(0, Vocabulary).Where(token => CanReach(targets.Sum() + token, Targets - targets.Length - 1))]),
        ["third is 1"] = New(targets => targets.Length == 2 ? [1] : null),
        ["all given"] = New(targets => [targets.Length == 0 ? 2 : (targets[^1] + 1) % Vocabulary]),
    };

    private static bool CanReach(int sum, int left) => sum <= 3 && sum + (2 * left) >= 3;

    private static TestConstraint New(Func<int[], int[]?> allowed) => new(Vocabulary, allowed);
}
