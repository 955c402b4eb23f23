namespace AsArm.Assd.Tests;

/// <summary>The coins that a test chose, in order; throws when there are no more.</summary>
internal sealed class ScriptedCoins(params double[] coins) : ICoinSource
{
    private int _next;

    public int Left => coins.Length - _next;

    public double Toss() => _next < coins.Length
        ? coins[_next++]
        : throw new InvalidOperationException($"More than {coins.Length} coins asked for.");
}
