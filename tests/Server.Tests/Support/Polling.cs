namespace AsArm.Server.Tests.Support;

/// <summary>Waits for what comes at some time, and fails if it never does.</summary>
internal static class Polling
{
    private const int Attempts = 12_000;

    /// <summary>Waits until a condition holds.</summary>
    public static async Task UntilAsync(Func<bool> condition, string what) => await UntilAsync(() => Task.FromResult(condition()), what);

    /// <inheritdoc cref="UntilAsync(Func{bool}, string)" />
    public static async Task UntilAsync(Func<Task<bool>> condition, string what)
    {
        for (int i = 0; i < Attempts; i++)
        {
            if (await condition())
                return;
            await Task.Delay(5);
        }

        throw new AssertFailedException($"It never came: {what}");
    }
}
